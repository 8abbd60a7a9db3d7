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

  [[nodiscard]] std::string_view type() const override { return bits_.trainable ? "self_compress" : "fixed_bits"; }
  [[nodiscard]] WeightView view(const Parameter& weight) const override;
  void backward(Backend& backend, Parameter& weight) override;
  [[nodiscard]] QuantisedLayer fused_update(Backend& backend, Parameter& weight) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override { return {&bits_, &exponent_}; }
  [[nodiscard]] std::vector<std::uint8_t> dead(Backend& backend) const override;
  [[nodiscard]] const Tensor* frozen_bits() const override { return revive_ ? nullptr : &bits_.value; }
  [[nodiscard]] std::vector<IntegerChannel> integers(Backend& backend, const Parameter& weight) const override;

  [[nodiscard]] Parameter& bits() { return bits_; }
  [[nodiscard]] const Parameter& bits() const { return bits_; }

  Tensor size_slope;  ///< dQ/db of learned bits, as SizeLoss::value found it last; undefined before

 private:
  /// bits().gradient, or room for it where b is fixed.
  [[nodiscard]] Tensor& bits_gradient(Backend& backend);

  Parameter bits_, exponent_;
  Tensor unused_bits_gradient_;
  bool revive_;
};

/// Gives every layer that `options` includes its quantizer, fitted to the present weights.  Error(experiment) where a
/// pattern matches no layer.
void attach_quantizers(Graph& graph, const CompressionOptions& options);

/// Every exponent of the graph to the nearest integer, ties to even.
void round_exponents(Graph& graph);

/// The exponent e at which `largest` just fits the range of `bits`: largest = 2^e * max(2^(b-1) - 1, 2^(b-2)), so that
/// ranges without a positive end get a finite e too.
[[nodiscard]] float starting_exponent(float largest, float bits);

}  // namespace scnn
