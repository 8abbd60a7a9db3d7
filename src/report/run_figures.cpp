#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/forgetting.h"
#include "report/html.h"

namespace scnn {
namespace {

/// A line over the epochs; `value` NaN: no point.
template <typename Value>
Series by_epoch(const std::string& label, const std::vector<EpochRecord>& epochs, Value value) {
  Series series;
  series.label = label;
  for (const EpochRecord& epoch : epochs) {
    Point point;
    point.x = static_cast<double>(epoch.epoch);
    point.y = value(epoch);
    if (std::isfinite(point.y)) series.points.push_back(std::move(point));
  }
  return series;
}

Figure figure_by_epoch(const char* id, const char* title, const char* caption, const char* y, int decimals) {
  Figure figure;
  figure.id = id;
  figure.title = title;
  figure.caption = caption;
  figure.x = epoch_axis();
  figure.y.title = y;
  figure.y.decimals = decimals;
  return figure;
}

double evaluated(const EpochRecord& e) { return e.evaluation ? 100 * e.evaluation->top1 : std::nan(""); }
double packed_kb(const EpochRecord& e) { return static_cast<double>(e.size.packed_bits) / 8000; }
double learned_kb(const EpochRecord& e) { return e.size.learned_bits / 8000; }

double percent(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? 100 * static_cast<double>(part) / static_cast<double>(whole) : std::nan("");
}
double channels_left(const EpochRecord& e) { return percent(e.size.live_channels, e.size.original_channels); }
double weights_left(const EpochRecord& e) { return percent(e.size.live_weights, e.size.original_weights); }
double macs_left(const EpochRecord& e) { return percent(e.size.macs, e.size.original_macs); }

/// Bars, one place for each layer.
Figure figure_by_layer(const char* id, const char* title, const char* caption, const char* y, int decimals) {
  Figure figure;
  figure.id = id;
  figure.title = title;
  figure.caption = caption;
  figure.kind = Figure::Kind::bars;
  figure.x.title = "layer";
  figure.y.title = y;
  figure.y.decimals = decimals;
  figure.y.from_zero = true;
  return figure;
}

Figure channels_figure(const std::vector<LayerStatus>& layers) {
  Figure figure = figure_by_layer("channels", "Channels by layer", "Output channels before training and at the end.",
                                  "output channels", 0);
  figure.series.resize(2);
  figure.series[0].label = "before";
  figure.series[0].hollow = true;
  figure.series[1].label = "after";
  for (const LayerStatus& layer : layers) {
    const auto x = static_cast<double>(figure.categories.size());
    figure.categories.push_back(layer.layer);
    for (Series& series : figure.series) series.points.emplace_back().x = x;
    figure.series[0].points.back().y = layer.original_channels;
    figure.series[1].points.back().y = static_cast<double>(layer.channels.size());
  }
  return figure;
}

/// Of the layers with a quantizer: without one they have 32 bits.
Figure bits_figure(const std::vector<LayerStatus>& layers) {
  Figure figure =
      figure_by_layer("layer-bits", "Bits by layer",
                      "Learned bits of each weight that is left at the end: mean, and lowest to highest channel.",
                      "bits per weight", 2);
  figure.series.resize(1);
  figure.series[0].label = "mean";
  for (const LayerStatus& layer : layers) {
    const double mean = mean_bits(layer);
    if (layer.bits.empty() || !std::isfinite(mean) || mean >= 32) continue;
    const auto [low, high] = std::minmax_element(layer.bits.begin(), layer.bits.end());
    Point point;
    point.x = static_cast<double>(figure.categories.size());
    point.y = mean;
    point.y_low = *low;
    point.y_high = *high;
    point.note = fmt::format("{:.2f} bits on average, {:.2f} to {:.2f}", mean, *low, *high);
    figure.series[0].points.push_back(std::move(point));
    figure.categories.push_back(layer.layer);
  }
  return figure;
}

}  // namespace

std::vector<LayerStatus> last_layers(const RunHistory& history) {
  std::vector<LayerStatus> last;
  for (const auto& layers : history.layers) last = layers.empty() ? last : layers;
  return last;
}

std::vector<Figure> figures_of(const ReportRun& run) {
  const std::vector<EpochRecord>& epochs = run.history.epochs;
  std::vector<Figure> figures;
  if (epochs.empty()) return figures;
  std::string split = "evaluation";
  for (const EpochRecord& e : epochs) split = e.evaluation ? e.evaluation_split : split;

  Figure accuracy = figure_by_epoch("accuracy", "Accuracy by epoch",
                                    "Share of images whose most likely class is right.", "top-1 accuracy (%)", 2);
  accuracy.series = {by_epoch(split, epochs, evaluated),
                     by_epoch("training", epochs, [](const EpochRecord& e) { return 100 * e.train_top1; })};
  if (accuracy.series[0].points.empty()) accuracy.series.erase(accuracy.series.begin());
  figures.push_back(std::move(accuracy));

  Figure size = figure_by_epoch("size", "Size by epoch",
                                "Weights only, 1 kB = 1000 bytes. Packed: whole bits, before entropy coding. "
                                "Learned: the real-valued bits being trained.",
                                "size of the weights (kB)", 3);
  size.y.from_zero = true;
  size.series = {by_epoch("packed", epochs, packed_kb), by_epoch("learned", epochs, learned_kb)};
  figures.push_back(std::move(size));

  Figure seconds = figure_by_epoch("seconds", "Time by epoch",
                                   "Training steps only: as channels go, epochs get shorter.", "time (s)", 2);
  seconds.y.from_zero = true;
  seconds.series = {by_epoch("training steps", epochs, [](const EpochRecord& e) { return e.train_seconds; })};
  figures.push_back(std::move(seconds));

  Figure left = figure_by_epoch("left", "What is left by epoch",
                                "Output channels, weights in them, and the multiply-adds of an image.",
                                "left of the original (%)", 1);
  left.y.from_zero = true;
  left.series = {by_epoch("channels", epochs, channels_left), by_epoch("weights", epochs, weights_left),
                 by_epoch("multiply-adds", epochs, macs_left)};
  figures.push_back(std::move(left));

  Figure efficiency = figure_by_epoch(
      "efficiency", "Efficiency by epoch",
      "Whether time falls with the work: the share of multiply-adds left, over the share of an epoch's time left, both "
      "of the first epoch's.",
      "efficiency (%)", 1);
  efficiency.y.from_zero = true;
  efficiency.series = {by_epoch("training steps", epochs, [](const EpochRecord& e) { return 100 * e.efficiency; })};
  if (!efficiency.series[0].points.empty()) figures.push_back(std::move(efficiency));

  const std::vector<LayerStatus> last = last_layers(run.history);
  if (!last.empty()) figures.push_back(channels_figure(last));
  if (Figure bits = bits_figure(last); !bits.categories.empty()) figures.push_back(std::move(bits));
  if (run.info.method != "self_compress") return figures;
  for (Figure& figure : forgetting_figures(run.history)) figures.push_back(std::move(figure));
  return figures;
}

std::vector<Figure> overlays(const std::vector<ReportRun>& runs, const std::vector<std::string>& names) {
  std::vector<Figure> figures;
  const auto add = [&](Figure figure, double (*value)(const EpochRecord&)) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      figure.series.push_back(by_epoch(names[i], runs[i].history.epochs, value));
    }
    figures.push_back(std::move(figure));
  };
  add(figure_by_epoch("accuracies", "Accuracy by epoch", "On the split each run evaluates during training.",
                      "top-1 accuracy (%)", 2),
      evaluated);
  Figure sizes = figure_by_epoch("sizes", "Size by epoch", "Packed size of the weights, 1 kB = 1000 bytes.",
                                 "packed weights (kB)", 3);
  sizes.y.from_zero = true;
  add(std::move(sizes), packed_kb);
  Figure left = figure_by_epoch("left", "Weights left by epoch", "In channels that are not removed.",
                                "left of the original (%)", 1);
  left.y.from_zero = true;
  add(std::move(left), weights_left);
  Figure times = figure_by_epoch("times", "Time by epoch", "Training steps only.", "time (s)", 2);
  times.y.from_zero = true;
  add(std::move(times), [](const EpochRecord& e) { return e.train_seconds; });
  return figures;
}

std::vector<ReportFile> run_figures(const ReportRun& run) {
  return figure_files(figures_of(run), heat_map(run.history));
}

}  // namespace scnn
