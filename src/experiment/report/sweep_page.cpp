#include <fmt/format.h>

#include "experiment/report/html.h"
#include "scnn/experiment/console.h"

namespace scnn {
namespace {

std::string cell(const SweepRow& row, const Spread& spread, double factor, int decimals) {
  if (row.done == 0) return "<td>-</td>";
  std::string text = fmt::format("{:.{}f}", factor * spread.mean, decimals);
  if (spread.deviation) text += fmt::format(" &plusmn; {:.{}f}", factor * *spread.deviation, decimals);
  return "<td>" + text + "</td>";
}

std::string table_html(const SweepPlan& plan, const SweepTable& table) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr><th>point</th>";
  for (const std::string& key : plan.keys) html += "<th class=\"text\">" + html_escape(key) + "</th>";
  html +=
      "<th>seeds</th><th>top-1 (%)</th><th>file bytes</th><th>learned bits</th><th>removed</th><th>training (s)</th>"
      "<th class=\"text\">front</th></tr></thead>\n<tbody>\n";
  std::size_t number = 1;
  for (const SweepRow& row : table.rows) {
    html += fmt::format("<tr><td>{}</td>", row.baseline ? "baseline" : std::to_string(number++));
    for (const std::string& value : row.values) {
      html += "<td class=\"text\">" + (value.empty() ? "-" : html_escape(value)) + "</td>";
    }
    html += fmt::format("<td>{}</td>",
                        row.complete() ? std::to_string(row.runs) : fmt::format("{} of {}", row.done, row.runs));
    html += cell(row, row.top1, 100, 2) + cell(row, row.file_bytes, 1, 0) + cell(row, row.learned_bits, 1, 0) +
            cell(row, row.removed, 1, 1) + cell(row, row.seconds, 1, 1);
    html += fmt::format("<td class=\"text\">{}</td></tr>\n", row.pareto ? "yes" : "");
  }
  return html + "</tbody>\n</table></div>\n";
}

/// For report.js: the chart `pareto` of the comparison page, a point for each row.
Json chart_data(const SweepPlan& plan, const SweepTable& table) {
  Json data = {{"runs", Json::array()}};
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const SweepRow& row = table.rows[i];
    data["runs"].push_back({{"label", point_label(plan, plan.points[i])},
                            {"method", row.baseline ? "baseline"
                                       : row.pareto ? "on the front"
                                                    : "behind the front"},
                            {"top1", row.complete() ? Json(row.top1.mean) : Json(nullptr)},
                            {"file_bytes", row.complete() ? row.file_bytes.mean : 0.0},
                            {"epochs", Json::array()}});
  }
  return data;
}

}  // namespace

std::string sweep_page(const std::filesystem::path& folder, const SweepPlan& plan, const SweepTable& table) {
  std::string body = fmt::format("<h1>{}: a sweep of {} points</h1>\n<p class=\"soft\">{}</p>\n",
                                 html_escape(plan.name), table.rows.size(), utc_now());
  if (table.done < table.runs) {
    body += fmt::format(
        "<p class=\"note\">{} of {} runs are not done: points that lack some are missing from the chart and the "
        "front.</p>\n",
        table.runs - table.done, table.runs);
  }
  body +=
      "<div class=\"charts\">\n" +
      chart_html("pareto", "Accuracy against size",
                 "Each point is the mean of the model files of its seeds: up and to the left is better.", "wide tall") +
      "</div>\n<section><h2>Points</h2>\n<p class=\"soft\">Mean &plusmn; standard deviation over the seeds; on the "
      "front: no other point is as good in both accuracy and file bytes.</p>\n" +
      table_html(plan, table) + "</section>\n";
  if (!table.failures.empty()) {
    body += "<section><h2>Failed runs</h2>\n<pre>";
    for (const SweepFailure& failure : table.failures) {
      body += html_escape(fmt::format("{}  exit code {}: {}\n", failure.run, failure.exit_code, failure.message));
    }
    body += "</pre></section>\n";
  }
  body += "<section><h2>Folder</h2>\n<pre>" + html_escape(folder.string()) + "</pre></section>\n";
  return page_html(plan.name + " - scnn", body, chart_data(plan, table));
}

}  // namespace scnn
