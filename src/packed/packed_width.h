#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

namespace scnn {

/// Bits that each of a channel's integers takes once their minimum is stored: ceil(log2(max - min + 1)); 0 where all
/// are equal or there are none.
[[nodiscard]] inline int packed_width(std::span<const std::int32_t> integers) {
  if (integers.empty()) return 0;
  const auto [low, high] = std::ranges::minmax(integers);
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::int64_t{high} - std::int64_t{low})));
}

}  // namespace scnn
