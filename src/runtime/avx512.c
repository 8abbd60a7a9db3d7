/* AVX-512 with VL, BW, DQ and VNNI: vectors of 16, the last of a panel of 8 or 24 outputs half filled. */
#include "kernels.h"

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define RT_CODE __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define VEC_INLINE RT_CODE static inline __attribute__((always_inline))
#define VEC_HALVES
enum { VEC_LANES = 16, VEC_WIDEST = 32, VEC_WHOLE = 1 };
enum { VEC_TILE8 = 8, VEC_TILE16 = 8, VEC_TILE24 = 8, VEC_TILE32 = 8 };
enum { VEC_PRODUCT8 = 6, VEC_PRODUCT16 = 6, VEC_PRODUCT24 = 6, VEC_PRODUCT32 = 6 };
enum { VEC_BYTES8 = 8, VEC_BYTES16 = 8, VEC_BYTES24 = 8, VEC_BYTES32 = 8 };
typedef __m512 vec;

VEC_INLINE vec vec_zero(void) { return _mm512_setzero_ps(); }
VEC_INLINE vec vec_set(float value) { return _mm512_set1_ps(value); }
VEC_INLINE vec vec_load(const float* from) { return _mm512_loadu_ps(from); }
VEC_INLINE vec vec_load_half(const float* from) { return _mm512_zextps256_ps512(_mm256_loadu_ps(from)); }
VEC_INLINE void vec_store(float* to, vec v) { _mm512_storeu_ps(to, v); }
VEC_INLINE void vec_store_half(float* to, vec v) { _mm256_storeu_ps(to, _mm512_castps512_ps256(v)); }
VEC_INLINE vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
VEC_INLINE vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
VEC_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
VEC_INLINE vec vec_positive(vec v) { return _mm512_max_ps(v, _mm512_setzero_ps()); }

/* Weights of 16 bits are floats here: their kernels would take a third of the code. */
VEC_INLINE vec vec_weights(const void* weights, rt_form form, size_t at) {
  if (form == rt_form_float) return vec_load((const float*)weights + at);
  const __m128i bytes = _mm_loadu_si128((const __m128i*)(const void*)((const int8_t*)weights + at));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}
VEC_INLINE vec vec_weights_half(const void* weights, rt_form form, size_t at) {
  if (form == rt_form_float) return vec_load_half((const float*)weights + at);
  const __m128i bytes = _mm_loadl_epi64((const __m128i*)(const void*)((const int8_t*)weights + at));
  return _mm512_zextps256_ps512(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
}

typedef __m512i ivec, dot, four;

VEC_INLINE vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
VEC_INLINE ivec ivec_set(int32_t value) { return _mm512_set1_epi32(value); }
VEC_INLINE ivec ivec_load(const int32_t* from) { return _mm512_loadu_si512(from); }
VEC_INLINE ivec ivec_load_half(const int32_t* from) {
  return _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i*)(const void*)from));
}
VEC_INLINE ivec ivec_add(ivec a, ivec b) { return _mm512_add_epi32(a, b); }
VEC_INLINE vec ivec_floats(ivec v) { return _mm512_cvtepi32_ps(v); }
VEC_INLINE four four_set(const uint8_t* x) {
  int32_t bytes;
  memcpy(&bytes, x, sizeof(bytes));
  return _mm512_set1_epi32(bytes);
}
VEC_INLINE dot dot_zero(void) { return _mm512_setzero_si512(); }
VEC_INLINE dot dot_add(dot d, four x, const int8_t* w) { return _mm512_dpbusd_epi32(d, x, _mm512_loadu_si512(w)); }
VEC_INLINE dot dot_add_half(dot d, four x, const int8_t* w) {
  return _mm512_dpbusd_epi32(d, x, ivec_load_half((const int32_t*)(const void*)w));
}
VEC_INLINE ivec dot_sum(dot d) { return d; }
VEC_INLINE __m128i vec_made(vec v, vec low, vec high, ivec zero) {
  v = _mm512_max_ps(_mm512_min_ps(v, high), low); /* the second operand where one is no number */
  return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(v), zero));
}
VEC_INLINE void vec_bytes(uint8_t* to, vec v, vec low, vec high, ivec zero) {
  _mm_storeu_si128((__m128i*)(void*)to, vec_made(v, low, high, zero));
}
VEC_INLINE void vec_bytes_half(uint8_t* to, vec v, vec low, vec high, ivec zero) {
  _mm_storel_epi64((__m128i*)(void*)to, vec_made(v, low, high, zero));
}

#include "byte_tiles.h"
#include "tiles.h"
RT_KERNELS(avx512)
RT_KERNELS_OF_WIDTH(avx512, 32)
static const rt_kernels table = RT_TABLE(avx512, &rt_avx2_loops);

const rt_kernels* rt_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
                 __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")
             ? &table
             : NULL;
}

#else
const rt_kernels* rt_avx512(void) { return NULL; }
#endif
