#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

/// Eight neighbouring channels of a pixel at a time, as the compiler's own vectors: whatever the number of channels,
/// and on whatever processor.  Loops over 17 or 61 channels, as removals leave them, otherwise end in scalars.
namespace scnn::cpu {

constexpr std::int64_t vector_channels = 8;
using Floats = float __attribute__((vector_size(32)));
using Ints = std::int32_t __attribute__((vector_size(32)));
using Bytes = std::uint8_t __attribute__((vector_size(8)));

[[gnu::always_inline]] inline Floats load(const float* from) {
  Floats v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}
[[gnu::always_inline]] inline void store(float* to, const Floats& v) { std::memcpy(to, &v, sizeof(v)); }
[[gnu::always_inline]] inline Ints load(const std::uint8_t* from) {
  Bytes v;
  std::memcpy(&v, from, sizeof(v));
  return __builtin_convertvector(v, Ints);
}
[[gnu::always_inline]] inline void store(std::uint8_t* to, const Ints& v) {
  const Bytes bytes = __builtin_convertvector(v, Bytes);
  std::memcpy(to, &bytes, sizeof(bytes));
}

/// body(first channel, place) for vectors over `channels`, 8 or more; places are 0, 8, 16, ..  The last vector ends
/// with the last channel and may overlap the one before it, which then computes the same again: nothing beyond the
/// pixel is touched.
template <class Body>
[[gnu::always_inline]] inline void each_vector(std::int64_t channels, const Body& body) {
  for (std::int64_t c = 0; c < channels; c += vector_channels) body(std::min(c, channels - vector_channels), c);
}

}  // namespace scnn::cpu
