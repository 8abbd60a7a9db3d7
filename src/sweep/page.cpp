#include "sweep/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"
#include "scnn/record/console.h"

namespace scnn {
namespace {

/// A mean with its deviation; large ones in groups of three digits.
std::string cell(const SweepRow& row, const Spread& spread, double factor, int decimals) {
  if (row.done == 0) return "<td>-</td>";
  const auto text = [&](double value) {
    return decimals == 0 ? grouped(std::llround(factor * value)) : fmt::format("{:.{}f}", factor * value, decimals);
  };
  return "<td>" + text(spread.mean) + (spread.deviation ? " &plusmn; " + text(*spread.deviation) : "") + "</td>";
}

std::string table_html(const SweepPlan& plan, const SweepTable& table) {
  std::string html =
      "<div class=\"scroll\"><table class=\"sortable\">\n<thead><tr><th>point</th><th class=\"text\">front</th>";
  for (const std::string& key : plan.keys) html += "<th class=\"text\">" + html_escape(key) + "</th>";
  html +=
      "<th>seeds</th><th>top-1 (%)</th><th>file bytes</th><th>learned bits</th><th>removed</th><th>training (s)</th>"
      "</tr></thead>\n<tbody>\n";
  std::size_t number = 1;
  for (const SweepRow& row : table.rows) {
    html += fmt::format("<tr><td>{}</td><td class=\"text\">{}</td>",
                        row.baseline ? "baseline" : std::to_string(number++), row.pareto ? "yes" : "");
    for (const std::string& value : row.values) {
      html += "<td class=\"text\">" + (value.empty() ? "-" : html_escape(value)) + "</td>";
    }
    html += fmt::format("<td>{}</td>",
                        row.complete() ? std::to_string(row.runs) : fmt::format("{} of {}", row.done, row.runs));
    html += cell(row, row.top1, 100, 2) + cell(row, row.file_bytes, 1, 0) + cell(row, row.learned_bits, 1, 0) +
            cell(row, row.removed, 1, 1) + cell(row, row.seconds, 1, 1) + "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

Point point_of(const SweepRow& row, const std::string& label) {
  Point point;
  point.name = label;
  point.x = row.file_bytes.mean / 1000;
  point.y = 100 * row.top1.mean;
  if (!row.top1.deviation || !row.file_bytes.deviation) {
    point.note = fmt::format("{}: {:.2f}%, {:.0f} bytes", label, point.y, row.file_bytes.mean);
    return point;
  }
  const double x = *row.file_bytes.deviation / 1000, y = 100 * *row.top1.deviation;
  point.note = fmt::format("{}: {:.2f} ± {:.2f}%, {:.0f} ± {:.0f} bytes", label, point.y, y, row.file_bytes.mean,
                           *row.file_bytes.deviation);
  point.x_low = point.x - x;
  point.x_high = point.x + x;
  point.y_low = point.y - y;
  point.y_high = point.y + y;
  return point;
}

/// Nothing where no point has all its runs.
std::vector<Figure> figures_of(const SweepPlan& plan, const SweepTable& table) {
  Series front, baseline, behind;
  front.label = "Pareto front";
  front.stepped = true;
  baseline.label = "baseline";
  behind.label = "behind the front";
  baseline.hollow = behind.hollow = true;
  baseline.joined = behind.joined = false;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const SweepRow& row = table.rows[i];
    if (!row.complete()) continue;
    const Point point = point_of(row, point_label(plan, plan.points[i]));
    if (row.pareto) front.points.push_back(point);
    if (row.baseline) baseline.points.push_back(point);
    if (!row.pareto && !row.baseline) behind.points.push_back(point);
  }
  std::sort(front.points.begin(), front.points.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  Figure pareto = pareto_figure(
      "Each point is the mean of the model files of its seeds, its whiskers the standard deviation: up and to the left "
      "is better.");
  for (const Series* series : {&front, &baseline, &behind}) {
    if (!series->points.empty()) pareto.series.push_back(*series);
  }
  if (pareto.series.empty()) return {};
  return {pareto};
}

std::string again(const std::filesystem::path& folder, const SweepPlan& plan) {
  const std::string path = html_escape(folder.string());
  const std::string run = html_escape(plan.points.back().runs.front().name);
  return "<section><h2>Run it again</h2>\n<pre>scnn sweep --resume " + path + "    # what is not done yet\nscnn run " +
         path + "/runs/" + run + ".yaml    # one run anew; the others likewise\nscnn report " + path +
         " --figures figures    # the chart as SVG and CSV files\n</pre></section>\n";
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
  const std::vector<Figure> figures = figures_of(plan, table);
  if (!figures.empty()) body += charts_html(figures);
  body +=
      "<section><h2>Points</h2>\n<p class=\"soft\">Mean &plusmn; standard deviation over the seeds; on the front: no "
      "other point is as good in both accuracy and file bytes.</p>\n" +
      table_html(plan, table) + "</section>\n";
  if (!table.failures.empty()) {
    body += "<section><h2>Failed runs</h2>\n<pre>";
    for (const SweepFailure& failure : table.failures) {
      body += html_escape(fmt::format("{}  exit code {}: {}\n", failure.run, failure.exit_code, failure.message));
    }
    body += "</pre></section>\n";
  }
  const SweepPoint& last = plan.points.back();
  body += again(folder, plan) +
          settings_html("Settings of " + point_label(plan, last) + "; the table shows in what the others differ",
                        last.runs.front().experiment.yaml);
  return page_html(plan.name + " - scnn", body, figures);
}

std::vector<ReportFile> sweep_figures(const SweepPlan& plan, const SweepTable& table) {
  return figure_files(figures_of(plan, table));
}

}  // namespace scnn
