#include "backend/cpu/winograd_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <utility>

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512vl")

#include "backend/cpu/winograd_products.h"
#include "backend/cpu/winograd_tiles.h"

namespace scnn::cpu {
namespace {

/// The first floats of a vector, the others 0 and not stored.
struct Part16 {
  using V = __m512;
  __mmask16 mask;

  [[gnu::always_inline]] V load(const float* from) const { return _mm512_maskz_loadu_ps(mask, from); }
  [[gnu::always_inline]] void store(float* to, V v) const { _mm512_mask_storeu_ps(to, mask, v); }
  [[gnu::always_inline]] static V set(float value) { return _mm512_set1_ps(value); }
};

struct Vector16 {
  using V = __m512;
  static constexpr std::int64_t block_floats = std::int64_t{1} << 17;
  static constexpr std::int64_t least_channels = 12;
  static constexpr int width = 16;
  static constexpr int rows[] = {0, 12, 12, 8};  // of 32 registers
  static constexpr int most_units = 6, units = 4;

  [[gnu::always_inline]] static inline V load(const float* from) { return _mm512_loadu_ps(from); }
  [[gnu::always_inline]] static inline void store(float* to, V v) { _mm512_storeu_ps(to, v); }
  [[gnu::always_inline]] static inline V set(float value) { return _mm512_set1_ps(value); }
  [[gnu::always_inline]] static inline V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  /// Eight floats, for products, in a wide vector all the same: narrow ones have a single unit among wide ones.
  [[gnu::always_inline]] static inline V load_half(const float* from) { return Part16{0xff}.load(from); }
  [[gnu::always_inline]] static inline void store_half(float* to, V v) { Part16{0xff}.store(to, v); }
  template <class Body>
  [[gnu::always_inline]] static inline void rest(std::int64_t c, std::int64_t channels, const Body& body) {
    body(c, Part16{static_cast<__mmask16>((1U << static_cast<unsigned>(channels - c)) - 1)});
  }
};

constexpr WinogradKernels kernels = kernels_of<Vector16>();

}  // namespace
}  // namespace scnn::cpu

#pragma GCC pop_options

namespace scnn::cpu {
const WinogradKernels* avx512_kernels() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has ? &kernels : nullptr;
}
}  // namespace scnn::cpu

#else
namespace scnn::cpu {
const WinogradKernels* avx512_kernels() { return nullptr; }
}  // namespace scnn::cpu
#endif
