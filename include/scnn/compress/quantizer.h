#pragma once

#include "scnn/compress/options.h"
#include "scnn/nn/graph.h"

namespace scnn {

/// One pair (b, e) for each output channel, learned (self_compress) or with b fixed and e learned (fixed_bits).
class ChannelQuantizer final : public Quantizer {
 public:
  /// b = `bits` for every channel of `weight`, e so that the channel's largest weight just fits; an all-zero channel
  /// gets the exponent of the layer's largest weight.
  ChannelQuantizer(const std::string& layer, const Parameter& weight, float bits, bool learn_bits, bool revive,
                   Backend& backend);

  [[nodiscard]] WeightView view(const Parameter& weight) const override;
  void backward(Backend& backend, Parameter& weight) override;
  [[nodiscard]] bool fuses_update() const override { return true; }
  [[nodiscard]] QuantizedLayer fused_update(Backend& backend, Parameter& weight) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override { return {&bits_, &exponent_}; }
  [[nodiscard]] std::vector<float> bits(Backend& backend) const override;
  [[nodiscard]] const Tensor* frozen_bits() const override { return revive_ ? nullptr : &bits_.value; }
  [[nodiscard]] bool learns_bits() const override { return bits_.trainable; }
  [[nodiscard]] bool lets_channels_die() const override { return bits_.trainable; }
  void set_size_slope(Backend& backend, std::span<const float> slope) override;
  void add_size_gradient(Backend& backend, float gamma) override;
  [[nodiscard]] std::vector<IntegerChannel> integers(Backend& backend, const Parameter& weight) const override;

  /// b [out].
  [[nodiscard]] Parameter& channel_bits() { return bits_; }

 private:
  /// bits().gradient, or room for it where b is fixed.
  [[nodiscard]] Tensor& bits_gradient(Backend& backend);

  Parameter bits_, exponent_;
  Tensor unused_bits_gradient_;
  Tensor size_slope_;  ///< undefined before the first set_size_slope
  bool revive_;
};

/// Gives every layer that `options` includes its quantizer, as its method makes them, fitted to the present
/// weights.  Error(experiment) where a pattern matches no layer.
void attach_quantizers(Graph& graph, const CompressionOptions& options);

/// By node: whether the channels it makes reach the logits as they are, through sums and the like.
[[nodiscard]] std::vector<bool> makes_logits(const Graph& graph);

/// q(w, b, e) of a weight [out, ...] as integers, a row for each channel.  Waits.
[[nodiscard]] std::vector<IntegerChannel> channel_integers(Backend& backend, const Tensor& weight, const Tensor& bits,
                                                           const Tensor& exponents);

/// Every exponent of the graph to the nearest integer, ties to even.
void round_exponents(Graph& graph);

/// From now on no update moves the graph's parameters of this role (Parameter::frozen).
void freeze_parameters(Graph& graph, ParameterRole role);

/// The exponent e at which `largest` just fits the range of `bits`: largest = 2^e * max(2^(b-1) - 1, 2^(b-2)), so that
/// ranges without a positive end get a finite e too.
[[nodiscard]] float starting_exponent(float largest, float bits);

}  // namespace scnn
