#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "scnn/core/random.h"

namespace scnn {

/// 0 .. n-1.
inline std::vector<std::int64_t> order_as_stored(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  return order;
}

/// 0 .. n-1 in an order drawn from `stream` (Fisher-Yates).
inline std::vector<std::int64_t> shuffled_order(std::int64_t n, const RandomStream& stream) {
  std::vector<std::int64_t> order = order_as_stored(n);
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[stream.below(i - 1, i)]);
  }
  return order;
}

}  // namespace scnn
