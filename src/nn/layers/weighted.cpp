#include "nn/layers/weighted.h"

#include "nn/layers/common.h"

namespace scnn {

std::vector<Parameter*> WeightedLayer::parameters() {
  std::vector<Parameter*> list = {&weights_.parameter};
  if (bias_) list.push_back(&*bias_);
  if (weights_.quantizer) {
    for (Parameter* parameter : weights_.quantizer->parameters()) list.push_back(parameter);
  }
  return list;
}

void WeightedLayer::make_parameters(const Shape& shape, SetId out, SetId in, bool bias, Backend& backend) {
  Parameter& weight = weights_.parameter;
  if (shape.size() > most_weights) {
    shape_error("has " + std::to_string(shape.size()) + " weights, the limit is " + std::to_string(most_weights) +
                ": lower out or its inputs");
  }
  make_parameter(weight, name(), ParameterRole::weight, shape, 0.0F, backend);
  weight.axes = {out, no_set, no_set, in, no_set};
  if (bias) {
    bias_.emplace();
    make_parameter(*bias_, name(), ParameterRole::bias, Shape{shape[0]}, 0.0F, backend);
    bias_->axes[0] = out;
  }
}

std::int32_t WeightedLayer::input_of(std::int32_t /*output*/, std::int32_t column, const SetTable& /*sets*/) const {
  return column;
}

ChannelStates WeightedLayer::states(std::span<const ChannelStates* const> in, const SetTable& sets, Backend& backend) {
  const Parameter& weight = weights_.parameter;
  const auto outputs = static_cast<std::int32_t>(weight.value.shape()[0]);
  const auto columns = static_cast<std::int32_t>(weight.value.shape()[3]);
  const std::int64_t taps = weight.value.shape()[1] * weight.value.shape()[2];
  const std::vector<float> biases = bias_ ? host_values(backend, bias_->value) : std::vector<float>();

  // A quantized weight of 0 may grow again, so only dead channels count; float weights are what they are.
  const std::vector<float> bits = weights_.quantizer ? weights_.quantizer->bits(backend) : std::vector<float>();
  const std::vector<float> values = weights_.quantizer ? std::vector<float>() : host_values(backend, weight.value);
  const auto reaches = [&](std::int32_t output, std::int32_t column) {
    if (!bits.empty()) return bits[static_cast<std::size_t>(output)] > 0.0F;
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      if (values[static_cast<std::size_t>((output * taps + tap) * columns + column)] != 0.0F) return true;
    }
    return false;
  };

  ChannelStates out(static_cast<std::size_t>(outputs));
  for (std::int32_t output = 0; output < outputs; ++output) {
    ChannelState& state = out[static_cast<std::size_t>(output)];
    state.constant = true;
    for (std::int32_t column = 0; column < columns && state.constant; ++column) {
      const std::int32_t input = input_of(output, column, sets);
      if (input >= 0 && !(*in[0])[static_cast<std::size_t>(input)].zero() && reaches(output, column)) {
        state.constant = false;
      }
    }
    state.value = state.constant && bias_ ? biases[static_cast<std::size_t>(output)] : 0.0F;
  }
  return out;
}

}  // namespace scnn
