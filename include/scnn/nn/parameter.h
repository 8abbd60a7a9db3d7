#pragma once

#include <array>
#include <string>
#include <vector>

#include "scnn/core/tensor.h"
#include "scnn/nn/channel_set.h"

namespace scnn {

/// A named tensor of a layer: learned, or (without `trainable`) a buffer such as running statistics.
struct Parameter {
  std::string name;  ///< "conv1.weight": layer, dot, role
  Tensor value;
  Tensor gradient;  ///< shape of value; undefined for buffers
  bool trainable = true;

  /// The channel set that indexes each axis, or no_set.  Removal is a gather over exactly these axes.
  std::array<SetId, Shape::max_rank> axes = {no_set, no_set, no_set, no_set, no_set};

  std::vector<Tensor> slots;  ///< optimizer state, each of the value's shape, gathered with it
  float lower, upper;         ///< see UpdateRule
  Tensor pull;                ///< see UpdateRule; undefined where nothing is being pulled

  Parameter();
};

/// Entry of `pull` that takes a value to exactly 0 within `steps` steps.
[[nodiscard]] float pull_strength(float value, std::int64_t steps);

}  // namespace scnn
