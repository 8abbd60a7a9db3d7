#include "export/calibrate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "packed/format.h"
#include "packed/reals.h"
#include "scnn/backend/host_copy.h"
#include "scnn/packed/packed.h"

namespace scnn {
namespace {

constexpr std::size_t bins = 2048;

/// Values of one activation.
struct Seen {
  double low = 0, high = 0;  ///< with 0 between
  std::array<std::uint64_t, bins> counts{};
};

bool fits_bytes(const PackedLayer& layer, const LayerOptions& options) {
  const auto* conv = std::get_if<Conv2dSpec>(&options);
  if (conv != nullptr && (conv->depthwise || conv->groups > 1)) return false;
  return layer.quantized() && std::ranges::all_of(layer.channels, [](const IntegerChannel& channel) {
           return std::ranges::all_of(channel.integers, [](std::int32_t w) { return w >= -128 && w <= 127; });
         });
}

/// Whether each node's output gets a scale and a zero point.
std::vector<bool> read_as_bytes(const PackedModel& model) {
  std::vector<bool> chosen(model.network.size(), false);
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    if (!fits_bytes(model.layers[i], model.network[i].options)) continue;
    auto from = static_cast<std::size_t>(model.network[i].inputs.front());
    while (std::holds_alternative<FlattenSpec>(model.network[from].options)) {
      from = static_cast<std::size_t>(model.network[from].inputs.front());
    }
    chosen[from] = true;
  }
  return chosen;
}

double centre(const Seen& seen, std::size_t bin) {
  return seen.low + (seen.high - seen.low) * (static_cast<double>(bin) + 0.5) / static_cast<double>(bins);
}

int zero_for(double low, double step) { return std::clamp(static_cast<int>(std::lrint(-low / step)), 0, 255); }

double squared_error(const Seen& seen, double low, double step) {
  const int zero = zero_for(low, step);
  double sum = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    if (seen.counts[bin] == 0) continue;
    const double x = centre(seen, bin);
    const double error = step * std::clamp(std::rint(x / step), -1.0 * zero, 255.0 - zero) - x;
    sum += static_cast<double>(seen.counts[bin]) * error * error;
  }
  return sum;
}

/// The share of the whole range, the same at both ends.
double best_share(const Seen& seen) {
  double best = 1, least = INFINITY;
  for (double share = 1; share > 0.1; share *= 0.965) {
    const double error = squared_error(seen, share * seen.low, share * (seen.high - seen.low) / 255);
    if (error < least) {
      least = error;
      best = share;
    }
  }
  return best;
}

}  // namespace

void calibrate(PackedModel& model, Backend& backend, const Tensor& images) {
  const std::vector<bool> chosen = read_as_bytes(model);
  if (std::ranges::none_of(chosen, [](bool one) { return one; })) {
    throw Error(
        ErrorKind::usage,
        "no layer can read bytes: these are dense convolutions and linear layers whose integers all fit 8 bits");
  }
  model.activations.clear();
  const std::unique_ptr<Graph> graph = unpack(model, backend);
  std::vector<Seen> seen(model.network.size());
  const auto gather = [&](const std::function<void(Seen&, double)>& take) {
    graph->probe = [&](const Graph::Node& node, bool, const Tensor& output) {
      const auto index = static_cast<std::size_t>(&node - graph->nodes().data());
      if (!chosen[index]) return;
      for (const float value : host_values(backend, output)) take(seen[index], static_cast<double>(value));
    };
    if (chosen[0]) {  // which the graph does not compute
      for (const float value : images.values<float>()) take(seen[0], static_cast<double>(value));
    }
    (void)graph_logits(*graph, images);
  };
  gather([](Seen& of, double value) {
    of.low = std::min(of.low, value);
    of.high = std::max(of.high, value);
  });
  gather([](Seen& of, double value) {
    const double place = of.high > of.low ? (value - of.low) / (of.high - of.low) : 0;
    ++of.counts[std::min(static_cast<std::size_t>(place * static_cast<double>(bins)), bins - 1)];
  });
  std::vector<float> steps;
  std::vector<double> lows;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!chosen[i]) continue;
    const double share = seen[i].high > seen[i].low ? best_share(seen[i]) : 1;
    const double step = share * (seen[i].high - seen[i].low) / 255;
    // An activation that is always 0 may have any.
    steps.push_back(step >= static_cast<double>(deploy::least_step) ? static_cast<float>(step) : 1.0F);
    lows.push_back(share * seen[i].low);
  }
  const std::vector<float> halves = deploy::snapped(steps);
  model.activations.resize(seen.size());
  for (std::size_t i = 0, k = 0; i < seen.size(); ++i) {
    if (!chosen[i]) continue;
    const float step = halves[k] >= deploy::least_step ? halves[k] : steps[k];
    model.activations[i] = {step, zero_for(lows[k++], static_cast<double>(step))};
  }
}

Tensor calibration_images(const PackedModel& model, const Dataset& data, std::int64_t n) {
  return normalized_images(strided_subset(data.train, n).images, model.normalization);
}

}  // namespace scnn
