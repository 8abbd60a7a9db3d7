#include <algorithm>
#include <cmath>

#include "reals.h"
#include "scnn/deploy/packed.h"

namespace scnn {
namespace {

/// For each node that a batch-norm alone reads: that batch-norm; else -1.
std::vector<int> only_reader(const NetworkSpec& network) {
  std::vector<int> readers(network.size(), 0), last(network.size(), -1);
  for (std::size_t i = 0; i < network.size(); ++i) {
    for (const int input : network[i].inputs) {
      ++readers[static_cast<std::size_t>(input)];
      last[static_cast<std::size_t>(input)] = static_cast<int>(i);
    }
  }
  for (std::size_t i = 0; i < network.size(); ++i) {
    const auto reader = static_cast<std::size_t>(std::max(last[i], 0));
    if (readers[i] != 1 || !std::holds_alternative<AffineSpec>(network[reader].options)) last[i] = -1;
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
  const std::vector<int> readers = only_reader(model.network);
  PackedModel folded = model;
  folded.levels.clear();  // of layers that go
  folded.network.clear();
  folded.layers.clear();
  folded.affines.clear();
  std::vector<int> place;  // of each node; a folded batch-norm's is its layer's
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    LayerSpec spec = model.network[i];
    for (int& input : spec.inputs) input = place[static_cast<std::size_t>(input)];
    const int from = spec.inputs.empty() ? -1 : model.network[i].inputs.front();
    const bool goes = std::holds_alternative<AffineSpec>(spec.options) && from >= 0 &&
                      readers[static_cast<std::size_t>(from)] == static_cast<int>(i) &&
                      model.layers[static_cast<std::size_t>(from)].shape.rank() > 0;
    if (goes) {
      place.push_back(spec.inputs.front());
      continue;
    }
    place.push_back(static_cast<int>(folded.network.size()));
    PackedLayer layer = std::move(model.layers[i]);
    const bool gains = readers[i] >= 0 && layer.shape.rank() > 0;
    if (gains) {
      fold_into(layer, model.affines[static_cast<std::size_t>(readers[i])]);
      declare_bias(spec.options);
      model.layers[i].shape = layer.shape;  // the batch-norm still asks whether its input has weights
    }
    folded.network.push_back(std::move(spec));
    folded.layers.push_back(std::move(layer));
    folded.affines.push_back(std::move(model.affines[i]));
  }
  return folded;
}

PackedModel snap(PackedModel model) {
  if (!model.quantised()) return model;
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
