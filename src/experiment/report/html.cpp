#include "experiment/report/html.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "experiment/report/assets.h"

namespace scnn {
namespace {

/// Text inside <script>: "</script" or "<!--" in a string would end it, or worse.
std::string script_safe(const std::string& text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string tiles_html(const std::vector<Tile>& tiles) {
  std::string html = "<div class=\"tiles\">\n";
  for (const Tile& tile : tiles) {
    html += fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", html_escape(tile.value),
                        html_escape(tile.label));
  }
  return html + "</div>\n";
}

std::string chart_html(const std::string& id, const std::string& title, const std::string& caption,
                       const std::string& classes) {
  return fmt::format(
      "<figure class=\"{3}\"><h2>{1}</h2><figcaption>{2}</figcaption>"
      "<div class=\"plot {3}\"><canvas id=\"{0}\" role=\"img\" aria-label=\"{1}\"></canvas></div></figure>\n",
      id, html_escape(title), html_escape(caption), classes);
}

std::string page_html(const std::string& title, const std::string& body, const Json& data) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  html += "<title>" + html_escape(title) + "</title>\n<style>\n";
  html += report_css();
  html += "</style>\n</head>\n<body>\n" + body;
  html += "<noscript><p class=\"note\">The charts need JavaScript; the tables do not.</p></noscript>\n";
  html += "<script type=\"application/json\" id=\"data\">" + script_safe(dump(data)) + "</script>\n";
  html += "<script>\n";
  html += chart_js();
  html += "\n</script>\n<script>\n";
  html += report_js();
  html += "</script>\n</body>\n</html>\n";
  return html;
}

std::string percent_text(double share) {
  return std::isfinite(share) ? fmt::format("{:.2f}%", 100.0 * share) : std::string("-");
}

std::optional<Headline> headline(const ReportRun& run) {
  if (run.result) return Headline{run.result->test.top1, "test"};
  for (auto epoch = run.history.epochs.rbegin(); epoch != run.history.epochs.rend(); ++epoch) {
    if (epoch->evaluation) return Headline{epoch->evaluation->top1, epoch->evaluation_split};
  }
  return std::nullopt;
}

std::int64_t removed_channels(const ReportRun& run) {
  return std::accumulate(run.history.removals.begin(), run.history.removals.end(), std::int64_t{0},
                         [](std::int64_t sum, const RemovalRecord& r) { return sum + r.channels; });
}

double train_seconds(const ReportRun& run) {
  return std::accumulate(run.history.epochs.begin(), run.history.epochs.end(), 0.0,
                         [](double sum, const EpochRecord& e) { return sum + e.train_seconds; });
}

Json epochs_json(const ReportRun& run) {
  Json list = Json::array();
  for (const EpochRecord& e : run.history.epochs) {
    list.push_back({{"epoch", e.epoch},
                    {"train_top1", e.train_top1},
                    {"top1", e.evaluation ? Json(e.evaluation->top1) : Json(nullptr)},
                    {"learned_bytes", e.size.learned_bits / 8.0},
                    {"packed_bytes", static_cast<double>(e.size.packed_bits) / 8.0},
                    {"train_seconds", e.train_seconds}});
  }
  return list;
}

double mean_bits(const LayerStatus& layer) {
  if (layer.live_weights == 0) return std::numeric_limits<double>::quiet_NaN();
  return layer.learned_bits / static_cast<double>(layer.live_weights);
}

std::string run_label(const ReportRun& run) {
  return run.info.id == run.info.name ? run.info.name : run.info.name + "/" + run.info.id;
}

}  // namespace scnn
