#pragma once

#include <cstdint>

#include "cuda/runtime/gpu.h"

namespace scnn::cuda {

/// Division of 0 <= n < 2^31 by a divisor known before the launch: a multiplication and a shift (Granlund and
/// Montgomery, "Division by invariant integers using multiplication", PLDI 1994).
struct FastDivide {
  int divisor = 1;
  std::uint32_t magic = 1;
  int shift = 0;

  FastDivide() = default;
  explicit FastDivide(int d) : divisor(d) {
    while ((std::int64_t{1} << shift) < d) ++shift;
    const std::int64_t excess = (std::int64_t{1} << shift) - d;
    magic = static_cast<std::uint32_t>((excess << 32) / d + 1);
  }

  [[nodiscard]] GPU_HD int quotient(int n) const {
    const auto u = static_cast<std::uint32_t>(n);
    const auto high = static_cast<std::uint32_t>((static_cast<std::uint64_t>(u) * magic) >> 32);
    return static_cast<int>((high + u) >> shift);
  }
};

}  // namespace scnn::cuda
