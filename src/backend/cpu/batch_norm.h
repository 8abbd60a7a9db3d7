#pragma once

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

}  // namespace scnn::cpu
