#include "scnn/nn/parameter.h"

#include <cmath>
#include <limits>

namespace scnn {

Parameter::Parameter()
    : lower(-std::numeric_limits<float>::infinity()), upper(std::numeric_limits<float>::infinity()) {}

float pull_strength(float value, std::int64_t steps) {
  // A little more than the even share, so that rounding cannot leave a remainder.
  return std::abs(value) / static_cast<float>(steps) * 1.001F + 1e-12F;
}

}  // namespace scnn
