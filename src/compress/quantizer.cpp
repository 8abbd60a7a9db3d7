#include "scnn/compress/quantizer.h"

#include <algorithm>
#include <cmath>

#include "core/glob.h"
#include "core/settings_error.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/method.h"
#include "scnn/core/number_format.h"

namespace scnn {
namespace {

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

float starting_exponent(float largest, float bits) {
  const float half = portable_exp2(bits - 1.0F);
  return std::log2(largest / std::max(half - 1.0F, half * 0.5F));
}

ChannelQuantizer::ChannelQuantizer(const std::string& layer, const Parameter& weight, float bits, bool learn_bits,
                                   bool revive, Backend& backend)
    : revive_(revive) {
  const std::int64_t channels = weight.value.shape()[0];
  bits_.identify(layer, ParameterRole::bits);
  exponent_.identify(layer, ParameterRole::exponent);
  bits_.trainable = learn_bits;
  for (Parameter* parameter : {&bits_, &exponent_}) {
    parameter->axes[0] = weight.axes[0];
    parameter->value = backend.allocate(Shape{channels});
    if (parameter->trainable) parameter->gradient = backend.allocate(Shape{channels});
  }
  backend.fill(bits_.value, bits);

  const std::vector<float> values = host_values(backend, weight.value);
  const float layer_largest = largest_magnitude(values);
  const std::size_t row = channels > 0 ? values.size() / static_cast<std::size_t>(channels) : 0;
  std::vector<float> exponents;
  for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels); ++channel) {
    float largest = largest_magnitude(std::span(values).subspan(channel * row, row));
    if (largest == 0.0F) largest = layer_largest > 0.0F ? layer_largest : 1.0F;
    exponents.push_back(starting_exponent(largest, bits));
  }
  set_values(backend, exponents, exponent_.value);
}

WeightView ChannelQuantizer::view(const Parameter& weight) const {
  return {&weight.value, &bits_.value, &exponent_.value};
}

Tensor& ChannelQuantizer::bits_gradient(Backend& backend) {
  if (bits_.trainable) return bits_.gradient;
  if (!(unused_bits_gradient_.defined() && unused_bits_gradient_.shape() == bits_.value.shape())) {
    unused_bits_gradient_ = backend.allocate(bits_.value.shape());
  }
  return unused_bits_gradient_;
}

void ChannelQuantizer::backward(Backend& backend, Parameter& weight) {
  backend.quantize_backward(view(weight), revive_, weight.gradient, bits_gradient(backend), exponent_.gradient);
}

QuantizedLayer ChannelQuantizer::fused_update(Backend& backend, Parameter& weight) {
  const auto part = [](Parameter& p) {
    AdamParameter adam{&p.value, &p.gradient};
    if (p.trainable) adam.m = &p.slots.at(0), adam.v = &p.slots.at(1);
    return adam;
  };
  QuantizedLayer layer{part(weight), part(bits_), part(exponent_), bits_.lower, bits_.upper};
  layer.bits.gradient = &bits_gradient(backend);
  layer.size_slope = bits_.trainable && size_slope_.defined() ? &size_slope_ : nullptr;
  layer.revive = revive_;
  return layer;
}

std::vector<float> ChannelQuantizer::bits(Backend& backend) const { return host_values(backend, bits_.value); }

void ChannelQuantizer::set_size_slope(Backend& backend, std::span<const float> slope) {
  if (!(size_slope_.defined() && size_slope_.shape() == bits_.value.shape())) {
    size_slope_ = backend.allocate(bits_.value.shape());
  }
  set_values(backend, slope, size_slope_);
}

void ChannelQuantizer::add_size_gradient(Backend& backend, float gamma) {
  if (size_slope_.defined()) backend.accumulate(size_slope_, gamma, bits_.gradient);
}

std::vector<IntegerChannel> ChannelQuantizer::integers(Backend& backend, const Parameter& weight) const {
  return channel_integers(backend, weight.value, bits_.value, exponent_.value);
}

std::vector<IntegerChannel> channel_integers(Backend& backend, const Tensor& weight, const Tensor& bits_of,
                                             const Tensor& exponents_of) {
  const std::vector<float> bits = host_values(backend, bits_of);
  const std::vector<float> exponents = host_values(backend, exponents_of);
  const std::vector<float> values = host_values(backend, weight);
  const std::size_t row = bits.empty() ? 0 : values.size() / bits.size();
  std::vector<IntegerChannel> channels(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const auto format = channel_format(bits[i], exponents[i]);
    channels[i] = {bits[i], format.scale, {}};
    for (std::size_t j = 0; j < row; ++j) {
      channels[i].integers.push_back(static_cast<std::int32_t>(quantize_integer(values[i * row + j], format)));
    }
  }
  return channels;
}

std::vector<bool> makes_logits(const Graph& graph) {
  const auto& nodes = graph.nodes();
  std::vector<bool> reaches(nodes.size(), false);
  reaches.back() = true;
  for (std::size_t n = nodes.size(); n-- > 0;) {
    if (!reaches[n] || nodes[n].layer->weights() != nullptr) continue;
    for (const int input : nodes[n].inputs) reaches[static_cast<std::size_t>(input)] = true;
  }
  return reaches;
}

void attach_quantizers(Graph& graph, const CompressionOptions& options) {
  const std::unique_ptr<CompressionMethod> method = make_method(options);
  if (!method->quantizes()) return;
  std::vector<std::string> names;
  for (const int index : graph.weighted_nodes())
    names.push_back(graph.nodes()[static_cast<std::size_t>(index)].spec.name);
  for (const auto* patterns : {&options.include, &options.exclude}) {
    for (const std::string& pattern : *patterns) {
      if (std::ranges::any_of(names, [&](const std::string& name) { return glob_match(pattern, name); })) continue;
      std::string known;
      for (const std::string& name : names) known.append(known.empty() ? "" : ", ").append(name);
      throw SettingsError(patterns == &options.include ? "compression.include" : "compression.exclude",
                          "'" + pattern + "' matches no layer with weights; they are: " + known);
    }
  }
  const std::vector<bool> output = makes_logits(graph);
  for (const int index : graph.weighted_nodes()) {
    Graph::Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    if (!glob_match(options.include, node.spec.name) || glob_match(options.exclude, node.spec.name)) continue;
    Weights& weights = *node.layer->weights();
    const QuantizerSite site{node.spec.name, weights.parameter, output[static_cast<std::size_t>(index)],
                             static_cast<std::uint32_t>(index)};
    weights.quantizer = method->quantizer(site, graph.backend());
  }
}

void round_exponents(Graph& graph) {
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->role != ParameterRole::exponent) continue;
    std::vector<float> exponents = host_values(graph.backend(), parameter->value);
    for (float& exponent : exponents) exponent = std::nearbyint(exponent);
    set_values(graph.backend(), exponents, parameter->value);
  }
}

void freeze_parameters(Graph& graph, ParameterRole role) {
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->role == role) parameter->frozen = true;
  }
}

}  // namespace scnn
