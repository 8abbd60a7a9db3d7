#pragma once

#include <memory>
#include <span>
#include <vector>

#include "scnn/backend/backend.h"
#include "scnn/nn/parameter.h"

namespace scnn {

/// One output channel's weights as stored integers: value = scale * integer, rounded to float32.
struct IntegerChannel {
  float bits = 0;                      ///< the learned b
  float scale = 0;                     ///< 2^exponent while the network trains
  std::vector<std::int32_t> integers;  ///< in the weight's HWI order
};

struct Pass;

/// How a layer's weights are represented while they train: what a compression type is to a layer.  A layer without a
/// quantizer computes with its float weights.
class Quantizer {
 public:
  Quantizer() = default;
  Quantizer(const Quantizer&) = delete;
  Quantizer& operator=(const Quantizer&) = delete;
  virtual ~Quantizer() = default;

  /// Called before each forward of the layer: makes what view() gives in this pass.
  virtual void prepare(Backend& /*backend*/, const Parameter& /*weight*/, const Pass& /*pass*/) {}
  /// What the backend's convolution or matrix product takes in place of the weights.
  [[nodiscard]] virtual WeightView view(const Parameter& weight) const = 0;
  /// weight.gradient holds dL/dq on entry and dL/dw on return; fills the gradients of parameters().
  virtual void backward(Backend& backend, Parameter& weight) = 0;
  /// Whether Backend::quantize_backward_adam can take the place of `backward` and of the optimizer.
  [[nodiscard]] virtual bool fuses_update() const { return false; }
  /// What it takes of this layer where fuses_update(); the steps are the optimizer's to fill in.
  [[nodiscard]] virtual QuantizedLayer fused_update(Backend& /*backend*/, Parameter& /*weight*/) { return {}; }
  /// The quantizer's own parameters, named and with their axes.
  [[nodiscard]] virtual std::vector<Parameter*> parameters() = 0;
  /// The one of parameters() with a role; null where there is none.
  [[nodiscard]] Parameter* parameter(ParameterRole role);
  /// Bits of each live output channel, the mean over its weights; a channel at 0 has weights of 0 alone, which stay so
  /// unless it is revived.  Waits.
  [[nodiscard]] virtual std::vector<float> bits(Backend& backend) const = 0;
  /// Bits per channel [out] for UpdateRule::bits, or null where dead channels go on learning.
  [[nodiscard]] virtual const Tensor* frozen_bits() const { return nullptr; }

  // The size loss Q reaches a quantizer whose bits are learned through these (compress/size_loss.h).
  [[nodiscard]] virtual bool learns_bits() const { return false; }
  /// Whether learned bits may come down to 0: then a channel is credited with the input columns that go with it.
  [[nodiscard]] virtual bool lets_channels_die() const { return false; }
  /// dQ/d(bits of each live channel) from now on.
  virtual void set_size_slope(Backend& /*backend*/, std::span<const float> /*slope*/) {}
  /// Adds gamma times Q's gradient to those of parameters().
  virtual void add_size_gradient(Backend& /*backend*/, float /*gamma*/) {}

  /// The weights as integers, a row for each live output channel.  Waits.
  [[nodiscard]] virtual std::vector<IntegerChannel> integers(Backend& backend, const Parameter& weight) const = 0;
};

/// A layer's weights with their representation.
struct Weights {
  Parameter parameter;                   ///< OHWI; a linear layer behind a flatten keeps h and w
  std::unique_ptr<Quantizer> quantizer;  ///< null: float

  [[nodiscard]] WeightView view() const {
    return quantizer ? quantizer->view(parameter) : WeightView{&parameter.value, nullptr, nullptr};
  }
};

}  // namespace scnn
