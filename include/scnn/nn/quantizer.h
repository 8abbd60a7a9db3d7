#pragma once

#include <memory>
#include <string_view>
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

/// How a layer's weights are represented while they train.  A layer without a quantizer computes with its float
/// weights.
class Quantizer {
 public:
  Quantizer() = default;
  Quantizer(const Quantizer&) = delete;
  Quantizer& operator=(const Quantizer&) = delete;
  virtual ~Quantizer() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  /// What the backend's convolution or matrix product takes in place of the weights.
  [[nodiscard]] virtual WeightView view(const Parameter& weight) const = 0;
  /// weight.gradient holds dL/dq on entry and dL/dw on return; fills the gradients of parameters().
  virtual void backward(Backend& backend, Parameter& weight) = 0;
  /// What Backend::quantize_backward_adam, in place of `backward` and of the optimizer, takes of this layer; the steps
  /// are the optimizer's to fill in.
  [[nodiscard]] virtual QuantisedLayer fused_update(Backend& backend, Parameter& weight) = 0;
  /// The quantizer's own parameters, named and with their axes.
  [[nodiscard]] virtual std::vector<Parameter*> parameters() = 0;
  /// For each live output channel, 1 where its weights are all 0 and stay so unless it is revived.  Waits.
  [[nodiscard]] virtual std::vector<std::uint8_t> dead(Backend& backend) const = 0;
  /// Bits per channel [out] for UpdateRule::bits, or null where dead channels go on learning.
  [[nodiscard]] virtual const Tensor* frozen_bits() const = 0;
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
