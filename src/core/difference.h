#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace scnn {

/// Largest |a - b| over the largest |a|; infinity where the lengths differ or either holds a value that is not finite
/// (std::max would pass a NaN by).
[[nodiscard]] inline double relative_difference(std::span<const float> a, std::span<const float> b) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (a.size() != b.size()) return infinity;
  double difference = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return infinity;
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    scale = std::max(scale, std::abs(static_cast<double>(a[i])));
  }
  return scale > 0 ? difference / scale : difference;
}

}  // namespace scnn
