/* No instruction set is named.  GCC and Clang have vectors of four floats for every processor; others get plain C. */
#include <string.h>

#include "kernels.h"

#define RT_CODE
#if defined(__GNUC__)
#define VEC_INLINE static inline __attribute__((always_inline))
enum { VEC_LANES = 4, VEC_TILE8 = 4, VEC_TILE16 = 3, VEC_TILE24 = 2 };
typedef float vec __attribute__((vector_size(16)));
typedef int32_t ints __attribute__((vector_size(16)));
typedef int64_t longs __attribute__((vector_size(16)));
typedef int16_t words __attribute__((vector_size(16)));
typedef int8_t bytes __attribute__((vector_size(16)));
#if defined(__clang__)
#define SHUFFLE(v, type, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#else
#define SHUFFLE(v, type, ...) __builtin_shuffle(v, (type){__VA_ARGS__})
#endif

VEC_INLINE vec vec_set(float value) { return (vec){value, value, value, value}; }
VEC_INLINE vec vec_load(const float* from) {
  vec v;
  memcpy(&v, from, sizeof(v));
  return v;
}
VEC_INLINE void vec_store(float* to, vec v) { memcpy(to, &v, sizeof(v)); }
VEC_INLINE vec vec_positive(vec v) { return (vec)((ints)v & (v > 0.0F)); }
VEC_INLINE vec vec_weights(const void* weights, rt_form form, size_t at) {
  ints whole;
  if (form == rt_form_float) return vec_load((const float*)weights + at);
  if (form == rt_form_int8) { /* every byte four times, then its sign over the upper three */
    int32_t four;
    memcpy(&four, (const int8_t*)weights + at, sizeof(four));
    const bytes once = (bytes)(ints){four, 0, 0, 0};
    const words twice = (words)SHUFFLE(once, bytes, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    whole = (ints)SHUFFLE(twice, words, 0, 0, 1, 1, 2, 2, 3, 3) >> 24;
  } else if (form == rt_form_int16) {
    int64_t four;
    memcpy(&four, (const int16_t*)weights + at, sizeof(four));
    const words once = (words)(longs){four, 0};
    whole = (ints)SHUFFLE(once, words, 0, 0, 1, 1, 2, 2, 3, 3) >> 16;
  } else {
    memcpy(&whole, (const int32_t*)weights + at, sizeof(whole));
  }
  return __builtin_convertvector(whole, vec);
}
#else
#define VEC_INLINE static inline
enum { VEC_LANES = 1, VEC_TILE8 = 1, VEC_TILE16 = 1, VEC_TILE24 = 1 };
typedef float vec;

VEC_INLINE vec vec_set(float value) { return value; }
VEC_INLINE vec vec_load(const float* from) { return *from; }
VEC_INLINE void vec_store(float* to, vec v) { *to = v; }
VEC_INLINE vec vec_positive(vec v) { return v > 0.0F ? v : 0.0F; }
VEC_INLINE vec vec_weights(const void* weights, rt_form form, size_t at) {
  return form == rt_form_int8    ? (float)((const int8_t*)weights)[at]
         : form == rt_form_int16 ? (float)((const int16_t*)weights)[at]
         : form == rt_form_int32 ? (float)((const int32_t*)weights)[at]
                                 : ((const float*)weights)[at];
}
#endif
VEC_INLINE vec vec_zero(void) { return vec_set(0.0F); }
VEC_INLINE vec vec_add(vec a, vec b) { return a + b; }
VEC_INLINE vec vec_sub(vec a, vec b) { return a - b; }
VEC_INLINE vec vec_fma(vec a, vec b, vec c) { return a * b + c; }

#include "tiles.h"
RT_KERNELS(portable)
const rt_kernels rt_portable = RT_TABLE(portable);
