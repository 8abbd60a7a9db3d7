#include <algorithm>
#include <cmath>
#include <utility>

#include "packed/reals.h"
#include "scnn/packed/packed.h"

namespace scnn {
namespace {

/// For each node with weights that a batch-norm alone reads: that batch-norm; else -1.
std::vector<int> batch_norms(const PackedModel& model) {
  const NetworkSpec& network = model.network;
  std::vector<int> readers(network.size(), 0), last(network.size(), -1);
  for (std::size_t i = 0; i < network.size(); ++i) {
    for (const int input : network[i].inputs) {
      ++readers[static_cast<std::size_t>(input)];
      last[static_cast<std::size_t>(input)] = static_cast<int>(i);
    }
  }
  for (std::size_t i = 0; i < network.size(); ++i) {
    const auto reader = static_cast<std::size_t>(std::max(last[i], 0));
    const bool weights = model.layers[i].shape.rank() > 0;
    if (!weights || readers[i] != 1 || !std::holds_alternative<AffineSpec>(network[reader].options)) last[i] = -1;
  }
  return last;
}

void fold_into(PackedLayer& layer, const PackedAffine& affine) {
  if (layer.bias.empty()) layer.bias.assign(affine.a.size(), 0.0F);
  const std::size_t row = affine.a.empty() ? 0 : layer.weights.size() / affine.a.size();
  for (std::size_t o = 0; o < affine.a.size(); ++o) {
    layer.bias[o] = affine.a[o] * layer.bias[o] + affine.c[o];
    for (std::size_t k = 0; k < row; ++k) layer.weights[o * row + k] *= affine.a[o];
    if (layer.channels.empty()) continue;
    IntegerChannel& channel = layer.channels[o];
    channel.scale *= affine.a[o];
    if (!std::isnormal(channel.scale)) {
      channel.scale = 0;
      std::ranges::fill(channel.integers, 0);
    }
  }
}

void declare_bias(LayerOptions& options) {
  if (auto* conv = std::get_if<Conv2dSpec>(&options)) conv->bias = true;
  if (auto* linear = std::get_if<LinearSpec>(&options)) linear->bias = true;
}

}  // namespace

PackedModel fold(PackedModel model) {
  const std::vector<int> into = batch_norms(model);
  const NetworkSpec network = std::exchange(model.network, {});
  std::vector<PackedLayer> layers = std::exchange(model.layers, {});
  std::vector<PackedAffine> affines = std::exchange(model.affines, {});
  model.activations.clear();  // of layers that go
  std::vector<int> place;     // of each node; a folded batch-norm's is its layer's
  for (std::size_t i = 0; i < network.size(); ++i) {
    LayerSpec spec = network[i];
    const int from = spec.inputs.empty() ? -1 : spec.inputs.front();
    if (from >= 0 && into[static_cast<std::size_t>(from)] == static_cast<int>(i)) {
      place.push_back(place[static_cast<std::size_t>(from)]);
      continue;
    }
    for (int& input : spec.inputs) input = place[static_cast<std::size_t>(input)];
    place.push_back(static_cast<int>(model.network.size()));
    if (into[i] >= 0) {
      fold_into(layers[i], affines[static_cast<std::size_t>(into[i])]);
      declare_bias(spec.options);
    }
    model.network.push_back(std::move(spec));
    model.layers.push_back(std::move(layers[i]));
    model.affines.push_back(std::move(affines[i]));
  }
  return model;
}

PackedModel snap(PackedModel model) {
  if (!model.quantized()) return model;
  for (PackedLayer& layer : model.layers) {
    std::vector<float> scales;
    for (const IntegerChannel& channel : layer.channels) scales.push_back(channel.scale);
    scales = deploy::snapped(std::move(scales));
    for (std::size_t o = 0; o < scales.size(); ++o) {
      layer.channels[o].scale = scales[o];
      if (scales[o] == 0.0F) std::ranges::fill(layer.channels[o].integers, 0);
    }
    layer.bias = deploy::snapped(std::move(layer.bias));
  }
  for (PackedAffine& affine : model.affines) {
    affine.a = deploy::snapped(std::move(affine.a));
    affine.c = deploy::snapped(std::move(affine.c));
  }
  return model;
}

}  // namespace scnn
