#pragma once

#include <cmath>

#include "scnn/backend/backend.h"

namespace scnn {

/// Whether a float32 tensor holds neither NaN nor infinity, and its squares have a sum.  Waits.
[[nodiscard]] inline bool all_finite(Backend& backend, const Tensor& tensor) {
  return std::isfinite(backend.sum_of_squares(tensor));
}

}  // namespace scnn
