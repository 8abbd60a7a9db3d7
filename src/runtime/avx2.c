/* AVX2 and FMA.  The library is compiled for any x86-64; these functions run where the processor has both. */
#include "kernels.h"

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define RT_CODE __attribute__((target("avx2,fma")))
#define VEC_INLINE RT_CODE static inline __attribute__((always_inline))
enum { VEC_LANES = 8, VEC_TILE8 = 8, VEC_TILE16 = 6, VEC_TILE24 = 4, VEC_WHOLE = 0 };
enum { VEC_BYTES8 = 8, VEC_BYTES16 = 4, VEC_BYTES24 = 3 };
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
    default:
      return _mm256_loadu_ps((const float*)weights + at);
  }
}

typedef __m256i ivec, dot, four;

VEC_INLINE vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
VEC_INLINE ivec ivec_set(int32_t value) { return _mm256_set1_epi32(value); }
VEC_INLINE ivec ivec_load(const int32_t* from) { return _mm256_loadu_si256((const __m256i*)(const void*)from); }
VEC_INLINE ivec ivec_add(ivec a, ivec b) { return _mm256_add_epi32(a, b); }
VEC_INLINE vec ivec_floats(ivec v) { return _mm256_cvtepi32_ps(v); }
VEC_INLINE four four_set(const uint8_t* x) {
  int32_t bytes;
  memcpy(&bytes, x, sizeof(bytes));
  return _mm256_set1_epi32(bytes);
}
VEC_INLINE dot dot_zero(void) { return _mm256_setzero_si256(); }
/* maddubs never saturates: two products fit 16 bits. */
VEC_INLINE dot dot_add(dot d, four x, const int8_t* w) {
  const __m256i weights = _mm256_loadu_si256((const __m256i*)(const void*)w);
  return _mm256_add_epi16(d, _mm256_maddubs_epi16(x, weights));
}
VEC_INLINE ivec dot_sum(dot d) { return _mm256_madd_epi16(d, _mm256_set1_epi16(1)); }
typedef __m128i eight;
VEC_INLINE eight eight_load(const uint8_t* from) { return _mm_loadl_epi64((const __m128i*)(const void*)from); }
VEC_INLINE void eight_store(uint8_t* to, eight v) { _mm_storel_epi64((__m128i*)(void*)to, v); }
VEC_INLINE eight eight_most(eight a, eight b) { return _mm_max_epu8(a, b); }
VEC_INLINE void vec_bytes(uint8_t* to, vec v, vec low, vec high, ivec zero) {
  v = _mm256_max_ps(_mm256_min_ps(v, high), low); /* the second operand where one is no number */
  const __m256i q = _mm256_add_epi32(_mm256_cvtps_epi32(v), zero);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  _mm_storel_epi64((__m128i*)(void*)to, _mm_packus_epi16(words, words));
}

#include "byte_tiles.h"
#include "tiles.h"
RT_KERNELS(avx2)
RT_LOOPS(avx2)
const rt_loops rt_avx2_loops = RT_LOOP_TABLE(avx2);
static const rt_kernels table = RT_TABLE(avx2, &rt_avx2_loops);

const rt_kernels* rt_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &table : NULL;
}

#else
const rt_kernels* rt_avx2(void) { return NULL; }
#endif
