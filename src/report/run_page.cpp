#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/file.h"
#include "report/forgetting.h"
#include "report/html.h"
#include "scnn/record/console.h"

namespace scnn {
namespace {

std::string duration(double seconds) { return seconds < 60 ? fmt::format("{:.1f} s", seconds) : clock_text(seconds); }

std::vector<Tile> tiles(const ReportRun& run) {
  std::vector<Tile> list;
  if (const auto best = headline(run)) list.push_back({percent_text(best->top1), best->split + " top-1"});
  if (run.result) {
    list.push_back({grouped(run.result->file_bytes) + " B", "model.scnn, everything in it"});
    list.push_back({fmt::format("{:.2f}%", run.result->file_percent()), "of the original at 32 bits a weight"});
  }
  if (!run.history.epochs.empty()) {
    const SizeStatus& size = run.history.epochs.back().size;
    list.push_back({grouped(size.live_weights), "weights left of " + grouped(size.original_weights)});
    list.push_back({duration(train_seconds(run)), fmt::format("training steps, {} epochs", run.history.epochs.size())});
  }
  list.push_back({grouped(removed_channels(run)), "channels removed"});
  return list;
}

std::string state_note(const ReportRun& run) {
  if (run.info.state == RunState::done) return "";
  const std::string path = html_escape(run.path.string());
  if (run.info.state == RunState::running && !run.abandoned) {
    return "<p class=\"note\">This run is still training: the figures below are those so far.</p>\n";
  }
  const std::string what = run.abandoned                        ? "was cut off"
                           : run.info.state == RunState::failed ? "failed"
                                                                : "was stopped";
  const std::string why = run.info.message.empty() ? "" : ": " + html_escape(run.info.message);
  return fmt::format("<p class=\"note\">This run {}{}. Go on with it: <code>scnn resume {}</code></p>\n", what, why,
                     path);
}

std::string bits_range(const LayerStatus& layer) {
  if (layer.bits.empty()) return "-";
  const auto [low, high] = std::minmax_element(layer.bits.begin(), layer.bits.end());
  return fmt::format("{:.1f} - {:.1f}", *low, *high);
}

std::string layer_table(const std::vector<LayerStatus>& layers) {
  std::string html =
      "<div class=\"scroll\"><table "
      "class=\"sortable\">\n<thead><tr><th>layer</th><th>channels</th><th>of</th><th>weights</th><th>of</th>"
      "<th>bits a weight</th><th>lowest - highest</th><th>packed bytes</th></tr></thead>\n<tbody>\n";
  LayerStatus sum;
  std::int64_t live = 0;
  for (const LayerStatus& l : layers) {
    const double mean = mean_bits(l);
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        html_escape(l.layer), l.channels.size(), l.original_channels, grouped(l.live_weights),
        grouped(l.original_weights), std::isnan(mean) ? "-" : fmt::format("{:.2f}", mean), bits_range(l),
        grouped((l.packed_bits + 7) / 8));
    live += static_cast<std::int64_t>(l.channels.size());
    sum.original_channels += l.original_channels;
    sum.live_weights += l.live_weights;
    sum.original_weights += l.original_weights;
    sum.learned_bits += l.learned_bits;
    sum.packed_bits += l.packed_bits;
  }
  const double mean = mean_bits(sum);
  html += fmt::format(
      "</tbody>\n<tfoot><tr><td>all</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td></td>"
      "<td>{}</td></tr></tfoot>\n</table></div>\n",
      live, sum.original_channels, grouped(sum.live_weights), grouped(sum.original_weights),
      std::isnan(mean) ? "-" : fmt::format("{:.2f}", mean), grouped((sum.packed_bits + 7) / 8));
  return html;
}

std::string removal_table(const std::vector<RemovalRecord>& removals) {
  std::string html =
      "<div class=\"scroll\"><table class=\"sortable\">\n<thead><tr><th "
      "class=\"text\">layer</th><th>epoch</th><th>step</th><th>channels</th>"
      "<th>largest relative change of a logit</th><th>efficiency before it (%)</th></tr></thead>\n<tbody>\n";
  for (const RemovalRecord& r : removals) {
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1e}</td><td>{}</td></tr>\n",
                        html_escape(r.layer), r.epoch, r.step, r.channels, r.max_diff,
                        std::isnan(r.efficiency) ? "-" : fmt::format("{:.0f}", 100 * r.efficiency));
  }
  return html + "</tbody>\n</table></div>\n";
}

std::string again(const ReportRun& run) {
  const std::string path = html_escape(run.path.string());
  std::string html = "<section><h2>Run it again</h2>\n";
  if (run.info.origin) {
    html += fmt::format("<p>A fork: it began with <code>{}</code> of <code>{}</code>.</p>\n",
                        html_escape(run.info.origin->checkpoint), html_escape(run.info.origin->run));
  }
  if (!run.config.empty()) {
    html += "<pre>scnn run " + html_escape((run.path / "config.yaml").string()) + "\nscnn eval " + path +
            "\nscnn report " + path + " --figures figures    # these charts as SVG and CSV files\n</pre>\n";
  }
  return html + "<p class=\"soft\">First made by: <code>" + html_escape(run.info.command) + "</code></p></section>\n";
}

}  // namespace

ReportRun load_report_run(const std::filesystem::path& path) {
  const RunFolder folder = RunFolder::open(path);
  ReportRun run;
  run.info = folder.info();
  run.abandoned = folder.abandoned();
  run.path = folder.path();
  run.history = read_history(folder.path());
  if (std::filesystem::exists(folder.file("config.yaml"))) {
    run.config = read_text(folder.file("config.yaml"), ErrorKind::checkpoint);
  }
  if (std::filesystem::exists(folder.file("result.json"))) run.result = read_result(folder.file("result.json"));
  return run;
}

std::string run_page(const ReportRun& run) {
  const std::vector<LayerStatus> last = last_layers(run.history);
  const std::vector<Figure> figures = figures_of(run);
  const HeatMap heat = heat_map(run.history);
  std::string libraries;
  for (const auto& [name, version] : run.info.libraries)
    libraries += fmt::format("{}{} {}", libraries.empty() ? "" : ", ", name, version);

  std::string body = fmt::format("<h1>{}</h1>\n<p class=\"soft\">{} &middot; {} &middot; seed {} &middot; {}</p>\n",
                                 html_escape(run.info.name), html_escape(run.info.started),
                                 html_escape(run.info.method), run.info.seed, html_escape(run.info.device));
  body += state_note(run) + tiles_html(tiles(run));
  if (figures.empty()) {
    body += "<p class=\"note\">No epoch has been recorded: there is nothing to draw yet.</p>\n";
  } else {
    body += charts_html(figures, heat);
  }
  if (!last.empty()) {
    body += "<section><h2>Layers</h2>\n" + layer_table(last) + "</section>\n";
  } else if (!figures.empty()) {
    body += "<p class=\"note\">bits.jsonl holds no record of the layers: their table and charts are missing.</p>\n";
  }
  if (run.info.method == "self_compress") body += forgetting_html(run.history);
  if (!run.history.removals.empty()) {
    body += "<details><summary>Removals</summary>\n" + removal_table(run.history.removals) + "</details>\n";
  }
  body += again(run);
  if (!run.config.empty()) body += settings_html("Settings", run.config);
  body += fmt::format("<footer class=\"soft\">Run {} &middot; scnn {} &middot; {} &middot; {}</footer>\n",
                      html_escape(run.info.id), html_escape(run.info.version), html_escape(run.info.host),
                      html_escape(libraries));
  return page_html(run.info.name + " - scnn", body, figures, heat);
}

}  // namespace scnn
