#pragma once

#include <immintrin.h>

#include "backend/cpu/winograd_kernels.h"

/// Eight floats.  Compiled once for each processor, which includes this where its code may use AVX2 and FMA.
namespace scnn::cpu {
namespace {

struct Vector8 {
  using V = __m256;
  static constexpr std::int64_t block_floats = std::int64_t{1} << 16;
  static constexpr std::int64_t least_channels = 8;
  static constexpr int width = 8;
  /// Of a product's block: rows by the number of vectors in its columns, so that the sums leave some of 16 registers.
  static constexpr int rows[] = {0, 10, 6, 4};
  /// Of `lanes` columns: the most at a time, and how many where there are more.
  static constexpr int most_units = 3, units = 2;

  [[gnu::always_inline]] static inline V load(const float* from) { return _mm256_loadu_ps(from); }
  [[gnu::always_inline]] static inline void store(float* to, V v) { _mm256_storeu_ps(to, v); }
  [[gnu::always_inline]] static inline V set(float value) { return _mm256_set1_ps(value); }
  [[gnu::always_inline]] static inline V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  /// Of twice as wide vectors; these have none.
  [[gnu::always_inline]] static inline V load_half(const float* from) { return load(from); }
  [[gnu::always_inline]] static inline void store_half(float* to, V v) { store(to, v); }
  /// The channels from c on: the last vector ends with the last one and overlaps the vector before it, which then
  /// computes the same again.
  template <class Body>
  [[gnu::always_inline]] static inline void rest(std::int64_t /*c*/, std::int64_t channels, const Body& body) {
    body(channels - width, Vector8{});
  }
};

}  // namespace
}  // namespace scnn::cpu
