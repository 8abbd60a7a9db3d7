#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace scnn {

/// "Every so often": in epochs (fractions allowed) or steps.  Exactly one is positive; both 0 means never.
struct Period {
  double epochs = 0;
  std::int64_t steps = 0;

  [[nodiscard]] std::int64_t in_steps(std::int64_t steps_per_epoch) const {
    if (steps > 0) return steps;
    if (epochs <= 0) return 0;
    return std::max<std::int64_t>(1, std::llround(epochs * static_cast<double>(steps_per_epoch)));
  }
};

}  // namespace scnn
