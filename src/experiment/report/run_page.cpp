#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiment/report/html.h"
#include "scnn/core/file.h"
#include "scnn/experiment/console.h"

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
      "<div class=\"scroll\"><table>\n<thead><tr><th>layer</th><th>channels</th><th>of</th><th>weights</th><th>of</th>"
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
      "<div class=\"scroll\"><table>\n<thead><tr><th "
      "class=\"text\">layer</th><th>epoch</th><th>step</th><th>channels</th>"
      "<th>largest relative change of a logit</th></tr></thead>\n<tbody>\n";
  for (const RemovalRecord& r : removals) {
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1e}</td></tr>\n", html_escape(r.layer),
                        r.epoch, r.step, r.channels, r.max_diff);
  }
  return html + "</tbody>\n</table></div>\n";
}

Json chart_data(const ReportRun& run, const std::vector<LayerStatus>& last) {
  Json layers = Json::array(), removed = Json::array();
  for (const LayerStatus& l : last) {
    layers.push_back({{"layer", l.layer},
                      {"original_channels", l.original_channels},
                      {"channels", l.channels.size()},
                      {"mean_bits", mean_bits(l)}});
  }
  for (const RemovalRecord& r : run.history.removals) {
    if (!removed.empty() && removed.back()["epoch"] == r.epoch) {
      removed.back()["channels"] = removed.back()["channels"].get<std::int64_t>() + r.channels;
    } else {
      removed.push_back({{"epoch", r.epoch}, {"channels", r.channels}});
    }
  }
  Json heat = {{"layers", Json::array()}, {"epochs", Json::array()}, {"bits", Json::array()}};
  for (const LayerStatus& l : last) {
    heat["layers"].push_back(l.layer);
    heat["bits"].push_back(Json::array());
  }
  for (std::size_t i = 0; i < run.history.epochs.size(); ++i) {
    const std::vector<LayerStatus>& then = run.history.layers[i];
    if (then.empty()) continue;
    heat["epochs"].push_back(run.history.epochs[i].epoch);
    for (std::size_t l = 0; l < last.size(); ++l) {
      const auto at =
          std::find_if(then.begin(), then.end(), [&](const LayerStatus& s) { return s.layer == last[l].layer; });
      heat["bits"][l].push_back(at == then.end() ? Json(nullptr) : Json(mean_bits(*at)));
    }
  }
  std::string split;
  for (const EpochRecord& e : run.history.epochs) split = e.evaluation ? e.evaluation_split : split;
  return {{"epochs", epochs_json(run)}, {"split", split}, {"removed", removed}, {"layers", layers}, {"heat", heat}};
}

std::string charts() {
  return "<div class=\"charts\">\n" +
         chart_html("accuracy", "Accuracy by epoch", "Share of images whose most likely class is right.") +
         chart_html("size", "Size by epoch",
                    "Weights only. Packed: whole bits, as stored. Learned: the real-valued bits being trained.") +
         chart_html("seconds", "Time by epoch", "Training steps only: as channels go, epochs get shorter.") +
         chart_html("channels", "Channels by layer", "Output channels before training and at the end.") +
         chart_html("bits", "Bits by layer", "Learned bits of each weight that is left, mean over the layer.") +
         "<figure><h2>Bits by layer and epoch</h2><figcaption>Mean learned bits of the weights left.</figcaption>"
         "<div class=\"heat\" id=\"heat\"></div></figure>\n</div>\n";
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
  std::vector<LayerStatus> last;
  for (const auto& layers : run.history.layers) last = layers.empty() ? last : layers;
  std::string libraries;
  for (const auto& [name, version] : run.info.libraries)
    libraries += fmt::format("{}{} {}", libraries.empty() ? "" : ", ", name, version);

  std::string body = fmt::format("<h1>{}</h1>\n<p class=\"soft\">{} &middot; {} &middot; seed {} &middot; {}</p>\n",
                                 html_escape(run.info.name), html_escape(run.info.started),
                                 html_escape(run.info.method), run.info.seed, html_escape(run.info.device));
  body += state_note(run) + tiles_html(tiles(run));
  if (!run.history.epochs.empty()) body += charts();
  if (!last.empty()) body += "<section><h2>Layers</h2>\n" + layer_table(last) + "</section>\n";
  if (!run.history.removals.empty()) {
    body += "<details><summary>Removals</summary>\n" + removal_table(run.history.removals) + "</details>\n";
  }
  body += "<section><h2>Run it again</h2>\n<pre>scnn run " + html_escape((run.path / "config.yaml").string()) +
          "\nscnn eval " + html_escape(run.path.string()) + "\n</pre>\n<p class=\"soft\">First made by: <code>" +
          html_escape(run.info.command) + "</code></p></section>\n";
  body += "<details><summary>Settings</summary>\n<pre>" + html_escape(run.config) + "</pre></details>\n";
  body += fmt::format("<footer class=\"soft\">Run {} &middot; scnn {} &middot; {} &middot; {}</footer>\n",
                      html_escape(run.info.id), html_escape(run.info.version), html_escape(run.info.host),
                      html_escape(libraries));
  return page_html(run.info.name + " - scnn", body, chart_data(run, last));
}

}  // namespace scnn
