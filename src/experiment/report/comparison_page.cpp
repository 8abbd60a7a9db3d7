#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <set>

#include "experiment/report/html.h"
#include "scnn/experiment/console.h"

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
      "<div class=\"scroll\"><table>\n<thead><tr><th>run</th><th class=\"text\">method</th><th>seed</th><th>top-1</th>"
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

}  // namespace

std::string comparison_page(const std::vector<ReportRun>& runs) {
  const std::vector<std::string> names = labels(runs);
  Json data = {{"runs", Json::array()}};
  std::size_t finished = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ReportRun& run = runs[i];
    finished += run.result ? 1U : 0U;
    // Only test figures of model.scnn are comparable: a run that is not done has no point in the first chart.
    data["runs"].push_back({{"label", names[i]},
                            {"method", run.info.method},
                            {"top1", run.result ? Json(run.result->test.top1) : Json(nullptr)},
                            {"file_bytes", run.result ? run.result->file_bytes : 0},
                            {"epochs", epochs_json(run)}});
  }
  std::string body = fmt::format("<h1>{} runs side by side</h1>\n<p class=\"soft\">{}</p>\n", runs.size(), utc_now());
  if (finished < runs.size()) {
    body +=
        fmt::format("<p class=\"note\">{} of {} runs have no result yet: they are missing from the first chart.</p>\n",
                    runs.size() - finished, runs.size());
  }
  body += "<div class=\"charts\">\n" +
          chart_html("pareto", "Accuracy against size",
                     "Each point is the model file of one run: up and to the left is better.", "wide tall") +
          chart_html("sizes", "Size by epoch", "Packed size of the weights.") +
          chart_html("accuracies", "Accuracy by epoch", "On the split each run evaluates during training.") +
          chart_html("times", "Time by epoch", "Training steps only.") + "</div>\n";
  body += "<section><h2>Runs</h2>\n" + table(runs, names) + "</section>\n<section><h2>Folders</h2>\n<pre>";
  for (const ReportRun& run : runs) body += html_escape(run.path.string()) + "\n";
  body += "</pre></section>\n";
  return page_html("runs side by side - scnn", body, data);
}

}  // namespace scnn
