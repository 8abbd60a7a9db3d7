#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "measure/deploy_bench.h"
#include "record/records.h"
#include "report/html.h"
#include "run/network_table.h"
#include "scnn/record/console.h"

namespace scnn {
namespace {

constexpr const char* heads[] = {"model",       "engine",       "threads",        "file bytes",       "load (ms)",
                                 "memory (kB)", "1 image (ms)", "images/s at 64", "times as fast: 1", "64"};

/// The cells of a row from the figures on; "-" for what was not measured.
std::vector<std::string> figures(const DeployRow& row) {
  const auto number = [](double value, int decimals) {
    return std::isnan(value) ? std::string("-") : fmt::format("{:.{}f}", value, decimals);
  };
  const auto whole = [](double value) { return std::isnan(value) ? std::string("-") : grouped(std::llround(value)); };
  return {std::to_string(row.threads),       row.file_bytes > 0 ? grouped(row.file_bytes) : "-",
          number(1e3 * row.load_seconds, 2), whole(row.memory_bytes / 1000),
          number(1e3 * row.latency, 3),      whole(row.images_per_second()),
          number(row.faster_latency, 2),     number(row.faster_batch, 2)};
}

std::string notes(const DeployBench& bench) {
  std::string text = fmt::format(
      "{}; medians of {} rounds in which all take turns.  scnn runtime: the packed file, activations being floats or "
      "bytes; ONNX Runtime: the exported file; before: the network before compression in float32, which \"times as "
      "fast\" refers to.  Memory: by how much its peak grows, loading the model and running 1 and 64 images, pages of "
      "libraries included.",
      bench.cpu, bench.rounds);
  if (!std::isnan(bench.call_seconds)) {
    text += fmt::format("  A call of ONNX Runtime from Python takes {:.3f} ms for a network of one weight.",
                        1e3 * bench.call_seconds);
  }
  return text;
}

/// Bars: models side by side, a colour for each engine, with one thread.
Figure chart(const DeployBench& bench, const char* id, const std::string& title, const std::string& caption,
             const std::string& axis, const std::function<double(const DeployRow&)>& value) {
  Figure figure;
  figure.id = id;
  figure.title = title;
  figure.caption = caption;
  figure.kind = Figure::Kind::bars;
  figure.y.title = axis;
  figure.y.from_zero = true;
  figure.y.decimals = 3;
  const int threads = bench.rows.empty() ? 1 : bench.rows.front().threads;
  for (const DeployRow& row : bench.rows) {
    if (row.threads != threads || !row.missing.empty()) continue;
    auto place = std::ranges::find(figure.categories, row.model);
    const auto x = static_cast<double>(place - figure.categories.begin());
    if (place == figure.categories.end()) figure.categories.push_back(row.model);
    auto series = std::ranges::find_if(figure.series, [&](const Series& one) { return one.label == row.engine; });
    if (series == figure.series.end()) {
      figure.series.emplace_back().label = row.engine;
      series = figure.series.end() - 1;
    }
    Point point;
    point.x = x;
    point.y = value(row);
    series->points.push_back(point);
  }
  return figure;
}

}  // namespace

std::string deploy_table(const DeployBench& bench) {
  std::vector<std::vector<std::string>> lines = {{std::begin(heads), std::end(heads)}};
  for (const DeployRow& row : bench.rows) {
    lines.push_back({row.model, row.engine});
    const std::vector<std::string> cells = figures(row);
    lines.back().insert(lines.back().end(), cells.begin(), cells.end());
  }
  std::string text = text_table(lines, 1);
  for (const DeployRow& row : bench.rows) {
    if (!row.missing.empty()) text += row.model + ", " + row.engine + ": not measured: " + row.missing + "\n";
  }
  return text + "\n" + notes(bench) + "\n";
}

std::string deploy_json(const DeployBench& bench) {
  const auto number = [](double value) { return std::isnan(value) ? Json(nullptr) : Json(value); };
  Json json = {{"cpu", bench.cpu}, {"rounds", bench.rounds}, {"onnx_call_seconds", number(bench.call_seconds)}};
  json["rows"] = Json::array();
  for (const DeployRow& row : bench.rows) {
    Json out = {{"model", row.model}, {"engine", row.engine}, {"threads", row.threads}};
    out["missing"] = row.missing.empty() ? Json(nullptr) : Json(row.missing);
    out["file_bytes"] = row.file_bytes > 0 ? Json(row.file_bytes) : Json(nullptr);
    out["load_seconds"] = number(row.load_seconds);
    out["memory_bytes"] = number(row.memory_bytes);
    out["latency_seconds"] = number(row.latency);
    out["images_per_second"] = number(row.images_per_second());
    out["times_as_fast_at_1"] = number(row.faster_latency);
    out["times_as_fast_at_64"] = number(row.faster_batch);
    json["rows"].push_back(std::move(out));
  }
  return json.dump(2) + "\n";
}

std::string deploy_page(const DeployBench& bench) {
  const std::string threads = bench.rows.empty() ? ""
                                                 : fmt::format("{} thread{}", bench.rows.front().threads,
                                                               bench.rows.front().threads == 1 ? "" : "s");
  const std::vector<Figure> all = {
      chart(bench, "latency", "One image", "Milliseconds for one image with " + threads + ": less is better.", "ms",
            [](const DeployRow& row) { return 1e3 * row.latency; }),
      chart(bench, "throughput", "64 images at once", "Images a second with " + threads + ": more is better.",
            "images/s", [](const DeployRow& row) { return row.images_per_second(); }),
      chart(bench, "file", "File", "Bytes of the model's file: less is better.", "kB",
            [](const DeployRow& row) { return static_cast<double>(row.file_bytes) / 1000; }),
      chart(bench, "memory", "Memory", "By how much peak memory grows with " + threads + ": less is better.", "MB",
            [](const DeployRow& row) { return row.memory_bytes / 1e6; })};
  std::string table = "<section><h2>Figures</h2>\n<div class=\"scroll\"><table class=\"sortable\">\n<thead><tr>";
  for (std::size_t i = 0; i < std::size(heads); ++i) {
    table += fmt::format("<th{}>{}</th>", i < 2 ? " class=\"text\"" : "", heads[i]);
  }
  table += "</tr></thead>\n<tbody>\n";
  for (const DeployRow& row : bench.rows) {
    table += "<tr><td class=\"text\">" + html_escape(row.model) + "</td><td class=\"text\">" + html_escape(row.engine) +
             (row.missing.empty() ? "" : ": not measured, " + html_escape(row.missing)) + "</td>";
    for (const std::string& cell : figures(row)) table += "<td>" + cell + "</td>";
    table += "</tr>\n";
  }
  table += "</tbody>\n</table></div>\n</section>\n";
  return page_html(
      "Deployment",
      "<h1>Deployment</h1>\n<p class=\"soft\">" + html_escape(notes(bench)) + "</p>\n" + charts_html(all) + table, all);
}

}  // namespace scnn
