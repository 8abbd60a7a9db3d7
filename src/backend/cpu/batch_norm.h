#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "scnn/backend/geometry.h"

namespace scnn::cpu {

/// The larger of v and 0; NaN stays NaN.
inline float rectify(float v) { return 0.0F > v ? 0.0F : v; }

/// A batch norm's terms for y = slope * (x - centre) + shift, one for each channel.
struct NormTerms {
  std::vector<float> centre, slope, shift;

  NormTerms(const BatchNorm& norm, std::int64_t channels);
};

/// dx = slope * (g - constant - (x - mean) * linear), one for each channel, g being the gradient in front of the
/// activation.
struct NormGradient {
  std::vector<float> slope, constant, linear;

  /// `sums` [2, channels] of g and g * (x - mean) over `rows` values a channel.  Writes dscale and dshift.
  NormGradient(const BatchNorm& norm, const std::array<std::vector<double>, 2>& sums, std::int64_t rows, Tensor& dscale,
               Tensor& dshift);
};

}  // namespace scnn::cpu
