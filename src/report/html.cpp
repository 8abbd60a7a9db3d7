#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <numeric>

#include "report/assets.h"

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

/// Chart.js carries one line of it; the licence wants its text in every copy.
constexpr const char* chart_licence =
    "/* Chart.js, Copyright (c) 2014-2022 Chart.js Contributors, with @kurkle/color, Copyright (c) 2022 Jukka "
    "Kurkela.\n\nThe MIT License (MIT)\n\n"
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated "
    "documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation "
    "the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and "
    "to permit persons to whom the Software is furnished to do so, subject to the following conditions:\n\n"
    "The above copyright notice and this permission notice shall be included in all copies or substantial portions of "
    "the Software.\n\n"
    "THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED "
    "TO "
    "THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE "
    "AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF "
    "CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS "
    "IN THE SOFTWARE. */\n";

constexpr const char* save_buttons =
    "<p class=\"save\"><button type=\"button\" data-save=\"svg\">SVG</button> "
    "<button type=\"button\" data-save=\"csv\">CSV</button></p>";
constexpr std::size_t most_columns = 250;  ///< epochs of a page's heat map: a page stays a few megabytes

std::string heat_html(const HeatMap& heat) {
  std::string options = "<option value=\"\">all layers</option>";
  for (const HeatMap::Layer& layer : heat.layers) {
    const auto left = std::count_if(layer.bits.begin(), layer.bits.end(),
                                    [](const std::vector<float>& bits) { return !std::isnan(bits.back()); });
    options += fmt::format("<option value=\"{0}\">{0}: {1} of {2} channels left</option>", html_escape(layer.name),
                           left, layer.bits.size());
  }
  return "<figure class=\"wide\" id=\"bits\"><h2>Bits of every channel by epoch</h2><figcaption>Rows are output "
         "channels in their original order, columns epochs" +
         std::string(heat.epochs.size() > most_columns ? " (not each of them; the CSV file of --figures has all)"
                                                       : "") +
         "; hatched: the channel is removed.</figcaption>"
         "<p class=\"save\"><button type=\"button\" data-save=\"csv\">CSV</button></p>"
         "<label>Layer <select>" +
         options +
         "</select></label><p class=\"tip\" role=\"status\"></p><div class=\"heat\"><div class=\"rows\"></div>"
         "<div class=\"cells\"><canvas role=\"img\" aria-label=\"bits of every channel by epoch\"></canvas></div>"
         "<div class=\"columns\"></div></div><p class=\"key\"></p>"
         "<noscript>This chart needs JavaScript.</noscript></figure>\n";
}

/// A layer's name has no other characters, but a damaged record of it may.
std::string file_part(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '-' && c != '.'; }, '_');
  return name;
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

std::string charts_html(const std::vector<Figure>& figures, const HeatMap& heat) {
  std::string html = "<div class=\"charts\">\n";
  for (const Figure& figure : figures) {
    html += fmt::format(
        "<figure{0}><h2>{2}</h2><figcaption>{3}</figcaption>{4}<div class=\"plot\" style=\"--series:{6}\">{5}"
        "<canvas id=\"{1}\" role=\"img\" aria-label=\"{2}\"></canvas></div></figure>\n",
        figure.wide ? " class=\"wide\"" : "", figure.id, html_escape(figure.title), html_escape(figure.caption),
        save_buttons, figure_svg(figure), figure.series.size());
  }
  if (!heat.layers.empty()) html += heat_html(heat);
  return html + "</div>\n";
}

std::string page_html(const std::string& title, const std::string& body, const std::vector<Figure>& figures,
                      const HeatMap& heat) {
  Json data = {{"figures", Json::array()}, {"heat", nullptr}};
  for (const Figure& figure : figures) data["figures"].push_back(figure_json(figure));
  if (!heat.layers.empty()) data["heat"] = heat_json(downsampled(heat, most_columns));
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  html += "<title>" + html_escape(title) + "</title>\n<style>\n";
  html += report_css();
  html += "</style>\n</head>\n<body>\n" + body;
  html += "<script type=\"application/json\" id=\"data\">" + script_safe(dump(data)) + "</script>\n";
  html += "<script>\n";
  html += chart_licence;
  html += chart_js();
  html += "\n</script>\n<script>\n";
  html += report_js();
  html += "</script>\n</body>\n</html>\n";
  return html;
}

std::vector<ReportFile> figure_files(const std::vector<Figure>& figures, const HeatMap& heat) {
  std::vector<ReportFile> files;
  for (const Figure& figure : figures) {
    files.push_back({figure.id + ".svg", figure_svg(figure)});
    files.push_back({figure.id + ".csv", figure_csv(figure)});
  }
  if (heat.layers.empty()) return files;
  files.push_back({"bits.svg", heat_svg(heat)});
  files.push_back({"bits.csv", heat_csv(heat)});
  for (std::size_t i = 0; i < heat.layers.size() && heat.layers.size() > 1; ++i) {
    files.push_back({"bits-" + file_part(heat.layers[i].name) + ".svg", heat_svg(one_layer(heat, i))});
  }
  return files;
}

Axis epoch_axis() {
  Axis axis;
  axis.title = "epoch";
  axis.whole = true;
  return axis;
}

std::string settings_html(const std::string& title, const std::string& yaml) {
  return "<details><summary>" + html_escape(title) + "</summary>\n<pre>" + html_escape(yaml) + "</pre></details>\n";
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

double mean_bits(const LayerStatus& layer) {
  if (layer.live_weights == 0) return std::numeric_limits<double>::quiet_NaN();
  return layer.learned_bits / static_cast<double>(layer.live_weights);
}

std::string run_label(const ReportRun& run) {
  return run.info.id == run.info.name ? run.info.name : run.info.name + "/" + run.info.id;
}

}  // namespace scnn
