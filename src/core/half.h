#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace scnn {

/// The value of an IEEE 754 binary16 number, exact.
inline float half_value(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 31U;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13U));
  if (exponent > 0) return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (fraction << 13U));
  const float small = static_cast<float>(fraction) * 0x1p-24F;
  return sign != 0 ? -small : small;
}

/// The nearest binary16 number, ties to even; infinite from 65520 on.
inline std::uint16_t half_bits(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000U : 0U);
  const double size = std::abs(value);
  if (std::isnan(value)) return sign | 0x7E00U;
  if (size >= 65520.0) return sign | 0x7C00U;
  // Spacing of the halves around `size`: 2^-10 of its binade, at least 2^-24.
  const int spacing = size < 0x1p-14 ? -24 : std::ilogb(size) - 10;
  const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(size, -spacing)));
  // A step beyond the binade carries into the exponent by itself.
  const std::uint32_t base = spacing == -24 ? 0U : static_cast<std::uint32_t>(spacing + 24) << 10U;
  return static_cast<std::uint16_t>(sign | (base + steps));
}

/// The value of a bfloat16 number: the upper half of a float32.
inline float bfloat16_value(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

}  // namespace scnn
