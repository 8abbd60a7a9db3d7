#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scnn/core/tensor.h"
#include "scnn/nn/channel_set.h"

namespace scnn {

/// What a tensor is to its layer.  Code asks for this, never for the end of a name.
enum class ParameterRole {
  weight,
  bias,
  scale,  ///< of a batch norm, as `shift` and the three buffers behind it
  shift,
  running_mean,
  running_variance,
  frozen_channels,  ///< 1 where a channel's normalization is fixed
  factor,           ///< of an affine layer, as `offset`
  offset,
  bits,  ///< of a quantizer, as all that follow
  exponent,
  step,
  logit,
};

/// How names end for a role: "weight", "running_var", ...
[[nodiscard]] std::string_view role_name(ParameterRole role);
/// The role that a name from a file or a pattern ends with ("conv1.weight": weight); nothing where it is no role.
[[nodiscard]] std::optional<ParameterRole> role_in_name(std::string_view name);
/// Roles of the parameters that a quantizer adds to its layer.
[[nodiscard]] std::span<const ParameterRole> quantizer_roles();
[[nodiscard]] bool belongs_to_quantizer(ParameterRole role);

/// A named tensor of a layer: learned, or (without `trainable`) a buffer such as running statistics.
struct Parameter {
  std::string name;  ///< "conv1.weight": layer, dot, role_name(role); for patterns and checkpoints
  ParameterRole role = ParameterRole::weight;
  Tensor value;
  Tensor gradient;  ///< shape of value; undefined for buffers
  bool trainable = true;
  bool frozen = false;  ///< for now no update moves it, and clipping does not count its gradient

  /// The channel set that indexes each axis, or no_set.  Removal is a gather over exactly these axes.
  std::array<SetId, Shape::max_rank> axes = {no_set, no_set, no_set, no_set, no_set};

  std::vector<Tensor> slots;  ///< optimizer state, each of the value's shape, gathered with it
  float lower, upper;         ///< see UpdateRule
  Tensor pull;                ///< see UpdateRule; undefined where nothing is being pulled

  Parameter();
  /// Sets role and name.
  void identify(const std::string& layer, ParameterRole role_in_layer);
};

/// Entry of `pull` that takes a value to exactly 0 within `steps` steps.
[[nodiscard]] float pull_strength(float value, std::int64_t steps);

}  // namespace scnn
