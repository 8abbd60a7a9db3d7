/* AVX2 and FMA.  The library is compiled for any x86-64; these functions run where the processor has both. */
#include "kernels.h"

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

#define RT_CODE __attribute__((target("avx2,fma")))
#define VEC_INLINE RT_CODE static inline __attribute__((always_inline))
enum { VEC_LANES = 8, VEC_TILE8 = 8, VEC_TILE16 = 6, VEC_TILE24 = 4 };
typedef __m256 vec;

VEC_INLINE vec vec_zero(void) { return _mm256_setzero_ps(); }
VEC_INLINE vec vec_set(float value) { return _mm256_set1_ps(value); }
VEC_INLINE vec vec_load(const float* from) { return _mm256_loadu_ps(from); }
VEC_INLINE void vec_store(float* to, vec v) { _mm256_storeu_ps(to, v); }
VEC_INLINE vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
VEC_INLINE vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
VEC_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
VEC_INLINE vec vec_positive(vec v) { return _mm256_max_ps(v, _mm256_setzero_ps()); }

VEC_INLINE vec vec_weights(const void* weights, rt_form form, size_t at) {
  switch (form) {
    case rt_form_int8: {
      const __m128i bytes = _mm_loadl_epi64((const __m128i*)(const void*)((const int8_t*)weights + at));
      return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    }
    case rt_form_int16: {
      const __m128i words = _mm_loadu_si128((const __m128i*)(const void*)((const int16_t*)weights + at));
      return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(words));
    }
    case rt_form_int32:
      return _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i*)(const void*)((const int32_t*)weights + at)));
    default:
      return _mm256_loadu_ps((const float*)weights + at);
  }
}

#include "tiles.h"
RT_KERNELS(avx2)
static const rt_kernels table = RT_TABLE(avx2);

const rt_kernels* rt_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &table : NULL;
}

#else
const rt_kernels* rt_avx2(void) { return NULL; }
#endif
