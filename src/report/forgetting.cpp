#include "report/forgetting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"

namespace scnn {
namespace {

/// Bits of a layer's original channels; 0 where one is gone.
std::vector<float> all_bits(const LayerStatus& layer) {
  std::vector<float> bits(static_cast<std::size_t>(layer.original_channels), 0.0F);
  for (std::size_t i = 0; i < layer.channels.size() && i < layer.bits.size(); ++i) {
    const auto channel = static_cast<std::size_t>(layer.channels[i]);
    if (channel < bits.size()) bits[channel] = layer.bits[i];
  }
  return bits;
}

double mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// Bits before the first record as far as deaths go: every channel lives when training begins; nothing is known of a
/// fork, which begins later.
std::vector<float> first_bits(const RunHistory& history, const LayerStatus& layer) {
  if (history.epochs.empty() || history.epochs.front().epoch != 1) return all_bits(layer);
  std::vector<float> bits = all_bits(layer);
  std::ranges::replace_if(
      bits, [](float b) { return b <= 0; }, 1.0F);
  return bits;
}

/// Layers whose bits ever changed, in the network's order.
std::vector<std::string> learned(const RunHistory& history) {
  std::vector<std::string> names;
  if (history.layers.empty()) return names;
  for (const LayerStatus& layer : history.layers.front()) {
    const std::vector<float> first = first_bits(history, layer);
    const bool changed = std::ranges::any_of(history.layers, [&](const std::vector<LayerStatus>& layers) {
      const auto found = std::ranges::find(layers, layer.layer, &LayerStatus::layer);
      return found != layers.end() && all_bits(*found) != first;
    });
    if (changed) names.push_back(layer.layer);
  }
  return names;
}

/// Channels whose bits came to 0 between two epochs, in all layers.
std::int64_t deaths(const std::vector<LayerStatus>& before, const std::vector<LayerStatus>& after) {
  std::int64_t count = 0;
  for (const LayerStatus& layer : after) {
    const auto old = std::ranges::find(before, layer.layer, &LayerStatus::layer);
    if (old == before.end()) continue;
    const std::vector<float> was = all_bits(*old), is = all_bits(layer);
    for (std::size_t i = 0; i < std::min(was.size(), is.size()); ++i) count += was[i] > 0 && is[i] <= 0 ? 1 : 0;
  }
  return count;
}

}  // namespace

std::vector<LayerForgetting> forgetting(const RunHistory& history) {
  std::vector<LayerForgetting> all;
  for (const std::string& name : learned(history)) {
    LayerForgetting out;
    out.layer = name;
    std::vector<float> before;
    for (std::size_t e = 0; e < history.layers.size(); ++e) {
      const auto layer = std::ranges::find(history.layers[e], name, &LayerStatus::layer);
      if (layer == history.layers[e].end()) continue;
      const std::int64_t epoch = history.epochs[e].epoch;
      const std::vector<float> bits = all_bits(*layer);
      if (const double fall = mean(before) - mean(bits); !before.empty() && fall > out.fastest) {
        out.fastest = fall;
        out.fastest_epoch = epoch;
      }
      const std::vector<float> was = before.empty() ? first_bits(history, *layer) : before;
      for (std::size_t i = 0; i < std::min(was.size(), bits.size()); ++i) {
        if (was[i] > 0 && bits[i] <= 0) {
          ++out.died;
          if (out.first_death == 0) out.first_death = epoch;
          out.last_death = epoch;
        }
        out.revived += was[i] <= 0 && bits[i] > 0 ? 1 : 0;
      }
      before = bits;
    }
    all.push_back(std::move(out));
  }
  return all;
}

std::vector<Dip> dips(const RunHistory& history, double least) {
  std::vector<Dip> all;
  const EpochRecord* before = nullptr;
  std::int64_t died = 0;  // since the last evaluation
  for (std::size_t e = 0; e < history.epochs.size(); ++e) {
    const EpochRecord& epoch = history.epochs[e];
    if (e > 0 && e < history.layers.size()) died += deaths(history.layers[e - 1], history.layers[e]);
    if (!epoch.evaluation) continue;
    if (before != nullptr) {
      Dip dip{epoch.epoch, before->evaluation->top1 - epoch.evaluation->top1, died, 0};
      for (const RemovalRecord& removal : history.removals) {
        if (removal.epoch > before->epoch && removal.epoch <= epoch.epoch) dip.removed += removal.channels;
      }
      if (dip.top1 >= least && (dip.died > 0 || dip.removed > 0)) all.push_back(dip);
    }
    before = &epoch;
    died = 0;
  }
  std::ranges::stable_sort(all, std::ranges::greater(), &Dip::top1);
  return all;
}

std::vector<Figure> forgetting_figures(const RunHistory& history) {
  Figure bits;
  bits.id = "fall";
  bits.title = "Bits by layer and epoch";
  bits.caption = "Mean over all channels that the layer began with; those that are gone count as 0.";
  bits.y.title = "bits";
  for (const std::string& name : learned(history)) {
    bits.series.emplace_back().label = name;
    for (std::size_t e = 0; e < history.layers.size(); ++e) {
      const auto layer = std::ranges::find(history.layers[e], name, &LayerStatus::layer);
      if (layer == history.layers[e].end()) continue;
      Point point;
      point.x = static_cast<double>(history.epochs[e].epoch);
      point.y = mean(all_bits(*layer));
      bits.series.back().points.push_back(point);
    }
  }
  std::vector<Figure> figures;
  if (!bits.series.empty()) figures.push_back(std::move(bits));
  for (Figure& figure : figures) {
    figure.x = epoch_axis();
    figure.y.from_zero = true;
    figure.y.decimals = 2;
  }
  return figures;
}

std::string forgetting_html(const RunHistory& history) {
  const std::vector<LayerForgetting> layers = forgetting(history);
  if (layers.empty()) return "";
  std::string html =
      "<section><h2>Forgetting</h2>\n<p class=\"soft\">Channels whose bits come to 0 are lost for good unless they are "
      "revived; bits that fall fast leave the others no time to make up for them.</p>\n<div class=\"scroll\"><table "
      "class=\"sortable\">\n<thead><tr><th>layer</th><th>fastest fall (bits an epoch)</th><th>in "
      "epoch</th><th>channels "
      "died</th><th>first in</th><th>last in</th><th>came back</th></tr></thead>\n<tbody>\n";
  const auto epoch = [](std::int64_t number) { return number > 0 ? std::to_string(number) : std::string("-"); };
  for (const LayerForgetting& l : layers) {
    html += fmt::format("<tr><td>{}</td><td>{:.2f}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        html_escape(l.layer), l.fastest, epoch(l.fastest_epoch), l.died, epoch(l.first_death),
                        epoch(l.last_death), l.revived);
  }
  html += "</tbody>\n</table></div>\n";
  const std::vector<Dip> deepest = dips(history);
  if (deepest.empty()) return html + "<p>No evaluation lost 0.3 points or more when channels died.</p></section>\n";
  html += "<p>Evaluations that lost 0.3 points or more when channels died or left:</p>\n<ul>\n";
  for (const Dip& dip : deepest) {
    html += fmt::format("<li>epoch {}: {:.2f} points; {} channels died, {} were removed</li>\n", dip.epoch,
                        100 * dip.top1, dip.died, dip.removed);
  }
  return html + "</ul></section>\n";
}

}  // namespace scnn
