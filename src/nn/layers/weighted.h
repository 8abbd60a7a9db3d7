#pragma once

#include <optional>

#include "scnn/nn/layer.h"

namespace scnn {

/// What convolutions and linear layers share: weights with a representation, an optional bias, channels of their own.
class WeightedLayer : public Layer {
 public:
  using Layer::Layer;

  [[nodiscard]] std::vector<Parameter*> parameters() override;
  [[nodiscard]] Weights* weights() override { return &weights_; }
  [[nodiscard]] bool passes_channels() const override { return false; }
  /// A channel is constant where no weight reaches an input that is not constantly 0.
  [[nodiscard]] ChannelStates states(std::span<const ChannelStates* const> in, const SetTable& sets,
                                     Backend& backend) override;

 protected:
  /// Makes the output's set and the parameters; `shape` is OHWI, `in` the set of its last axis or no_set.
  void make_parameters(const Shape& shape, SetId out, SetId in, bool bias, Backend& backend);
  /// Live input that weight column `column` of live output `output` reads, or -1 where that input has gone.
  [[nodiscard]] virtual std::int32_t input_of(std::int32_t output, std::int32_t column, const SetTable& sets) const;

  Weights weights_;
  std::optional<Parameter> bias_;
};

}  // namespace scnn
