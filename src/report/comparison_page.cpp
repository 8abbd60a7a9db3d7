#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/html.h"
#include "scnn/record/console.h"

namespace scnn {
namespace {

/// The experiment's name, with as much of the run's id as tells it apart from the others.
std::vector<std::string> labels(const std::vector<ReportRun>& runs) {
  std::vector<std::string> list;
  std::multiset<std::string> names;
  for (const ReportRun& run : runs) names.insert(run.info.name);
  std::multiset<std::string> seeded;
  for (const ReportRun& run : runs) seeded.insert(fmt::format("{} seed {}", run.info.name, run.info.seed));
  for (const ReportRun& run : runs) {
    const std::string with_seed = fmt::format("{} seed {}", run.info.name, run.info.seed);
    list.push_back(names.count(run.info.name) == 1 ? run.info.name
                   : seeded.count(with_seed) == 1  ? with_seed
                                                   : run_label(run));
  }
  return list;
}

std::string table(const std::vector<ReportRun>& runs, const std::vector<std::string>& names) {
  std::string html =
      "<div class=\"scroll\"><table class=\"sortable\">\n<thead><tr><th>run</th><th "
      "class=\"text\">method</th><th>seed</th><th>top-1</th>"
      "<th class=\"text\">on</th><th>file bytes</th><th>% of float</th><th>weights</th><th>removed</th>"
      "<th>training (s)</th><th class=\"text\">state</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ReportRun& run = runs[i];
    const auto best = headline(run);
    html += fmt::format(
        "<tr><td class=\"wrap\">{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td><td "
        "class=\"text\">{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td>{}</td><td>{:.1f}</td><td class=\"text\">{}</td></tr>\n",
        html_escape(names[i]), html_escape(run.info.method), run.info.seed, best ? percent_text(best->top1) : "-",
        best ? html_escape(best->split) : "-", run.result ? grouped(run.result->file_bytes) : "-",
        run.result ? fmt::format("{:.2f}", run.result->file_percent()) : "-",
        run.history.epochs.empty() ? "-" : grouped(run.history.epochs.back().size.live_weights), removed_channels(run),
        train_seconds(run), run.abandoned ? "cut off" : to_string(run.info.state));
  }
  return html + "</tbody>\n</table></div>\n";
}

/// A series for each method.  Only test figures of model.scnn are comparable: a run that is not done has no point.
std::vector<Figure> figures_of(const std::vector<ReportRun>& runs, const std::vector<std::string>& names) {
  Figure pareto = pareto_figure("Each point is the model file of one run: up and to the left is better.");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ReportRun& run = runs[i];
    if (!run.result || run.result->file_bytes <= 0) continue;
    auto at = std::find_if(pareto.series.begin(), pareto.series.end(),
                           [&](const Series& series) { return series.label == run.info.method; });
    if (at == pareto.series.end()) {
      pareto.series.emplace_back().label = run.info.method;
      at = pareto.series.end() - 1;
      at->joined = false;
    }
    Point& point = at->points.emplace_back();
    point.name = names[i];
    point.x = static_cast<double>(run.result->file_bytes) / 1000;
    point.y = 100 * run.result->test.top1;
    point.note = fmt::format("{}: {:.2f}%, {} bytes", names[i], point.y, grouped(run.result->file_bytes));
  }
  std::vector<Figure> figures = overlays(runs, names);
  if (!pareto.series.empty()) figures.insert(figures.begin(), std::move(pareto));
  return figures;
}

}  // namespace

Figure pareto_figure(const std::string& caption) {
  Figure figure;
  figure.id = "pareto";
  figure.title = "Accuracy against size";
  figure.caption = caption;
  figure.kind = Figure::Kind::points;
  figure.x.title = "model file (kB = 1000 bytes)";
  figure.x.logarithmic = true;
  figure.y.title = "test top-1 accuracy (%)";
  figure.wide = true;
  return figure;
}

std::string comparison_page(const std::vector<ReportRun>& runs) {
  const std::vector<std::string> names = labels(runs);
  const std::vector<Figure> figures = figures_of(runs, names);
  const auto without = std::count_if(runs.begin(), runs.end(), [](const ReportRun& run) { return !run.result; });
  std::string body = fmt::format("<h1>{} runs side by side</h1>\n<p class=\"soft\">{}</p>\n", runs.size(), utc_now());
  if (without > 0) {
    body += fmt::format(
        "<p class=\"note\">{} of {} runs have no result yet: they are missing from accuracy against "
        "size.</p>\n",
        without, runs.size());
  }
  body += charts_html(figures);
  body += "<section><h2>Runs</h2>\n" + table(runs, names) + "</section>\n<section><h2>Make this page again</h2>\n<pre>";
  body += "scnn report";
  for (const ReportRun& run : runs) body += " \\\n  " + html_escape(run.path.string());
  body += "\n</pre></section>\n";
  return page_html("runs side by side - scnn", body, figures);
}

std::vector<ReportFile> comparison_figures(const std::vector<ReportRun>& runs) {
  return figure_files(figures_of(runs, labels(runs)));
}

}  // namespace scnn
