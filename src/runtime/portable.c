/* No instruction set is named.  GCC and Clang have vectors of four floats for every processor; others get plain C. */
#include <math.h>
#include <string.h>

#include "kernels.h"

#define RT_CODE
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define VEC_INLINE static inline __attribute__((always_inline))
enum { VEC_LANES = 4, VEC_TILE8 = 4, VEC_TILE16 = 3, VEC_TILE24 = 2, VEC_WHOLE = 0 };
enum { VEC_BYTES8 = 4, VEC_BYTES16 = 2, VEC_BYTES24 = 2 };
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
  } else {
    int64_t four;
    memcpy(&four, (const int16_t*)weights + at, sizeof(four));
    const words once = (words)(longs){four, 0};
    whole = (ints)SHUFFLE(once, words, 0, 0, 1, 1, 2, 2, 3, 3) >> 16;
  }
  return __builtin_convertvector(whole, vec);
}

typedef ints ivec;
typedef words dot;
typedef struct four {
  words even, odd; /* bytes 0 and 2, 1 and 3, for each output */
} four;

VEC_INLINE ivec ivec_set(int32_t value) { return (ivec){value, value, value, value}; }
VEC_INLINE ivec ivec_load(const int32_t* from) {
  ivec v;
  memcpy(&v, from, sizeof(v));
  return v;
}
VEC_INLINE vec ivec_floats(ivec v) { return __builtin_convertvector(v, vec); }
VEC_INLINE four four_set(const uint8_t* x) {
  const ivec even = ivec_set(x[0] | x[2] << 16), odd = ivec_set(x[1] | x[3] << 16);
  return (four){(words)even, (words)odd};
}
VEC_INLINE dot dot_zero(void) { return (dot)ivec_set(0); }
VEC_INLINE dot dot_add(dot d, four x, const int8_t* w) {
  words weights;
  memcpy(&weights, w, sizeof(weights));
  return d + x.even * (weights << 8 >> 8) + x.odd * (weights >> 8);
}
VEC_INLINE ivec dot_sum(dot d) { return ((ivec)d << 16 >> 16) + ((ivec)d >> 16); }
VEC_INLINE vec vec_either(ints which, vec a, vec b) { return (vec)(((ints)a & which) | ((ints)b & ~which)); }
VEC_INLINE void vec_bytes(uint8_t* to, vec v, vec low, vec high, ivec zero) {
  v = vec_either(v < high, v, high);
  v = vec_either(v > low, v, low);
  /* Its last bits are then the whole number: the sum is rounded to even. */
  const ivec q = (ivec)(v + 12582912.0F) - 0x4B400000 + zero;
  for (int i = 0; i < VEC_LANES; ++i) to[i] = (uint8_t)q[i];
}
#else
#define VEC_INLINE static inline
enum { VEC_LANES = 1, VEC_TILE8 = 1, VEC_TILE16 = 1, VEC_TILE24 = 1, VEC_WHOLE = 1 };
enum { VEC_BYTES8 = 1, VEC_BYTES16 = 1, VEC_BYTES24 = 1 };
typedef float vec;

VEC_INLINE vec vec_set(float value) { return value; }
VEC_INLINE vec vec_load(const float* from) { return *from; }
VEC_INLINE void vec_store(float* to, vec v) { *to = v; }
VEC_INLINE vec vec_positive(vec v) { return v > 0.0F ? v : 0.0F; }
VEC_INLINE vec vec_weights(const void* weights, rt_form form, size_t at) {
  return form == rt_form_int8    ? (float)((const int8_t*)weights)[at]
         : form == rt_form_int16 ? (float)((const int16_t*)weights)[at]
                                 : ((const float*)weights)[at];
}

typedef int32_t ivec, dot;
typedef const uint8_t* four;

VEC_INLINE ivec ivec_set(int32_t value) { return value; }
VEC_INLINE ivec ivec_load(const int32_t* from) { return *from; }
VEC_INLINE vec ivec_floats(ivec v) { return (float)v; }
VEC_INLINE four four_set(const uint8_t* x) { return x; }
VEC_INLINE dot dot_zero(void) { return 0; }
VEC_INLINE dot dot_add(dot d, four x, const int8_t* w) {
  return d + x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3];
}
VEC_INLINE ivec dot_sum(dot d) { return d; }
VEC_INLINE void vec_bytes(uint8_t* to, vec v, vec low, vec high, ivec zero) {
  v = v < high ? v : high;
  v = v > low ? v : low;
  *to = (uint8_t)((int32_t)lrintf(v) + zero);
}
#endif
typedef struct eight {
  uint8_t of[8];
} eight;
VEC_INLINE eight eight_load(const uint8_t* from) {
  eight v;
  memcpy(v.of, from, sizeof(v.of));
  return v;
}
VEC_INLINE void eight_store(uint8_t* to, eight v) { memcpy(to, v.of, sizeof(v.of)); }
VEC_INLINE eight eight_most(eight a, eight b) {
  for (int i = 0; i < 8; ++i) a.of[i] = a.of[i] > b.of[i] ? a.of[i] : b.of[i];
  return a;
}
VEC_INLINE ivec ivec_add(ivec a, ivec b) { return a + b; }
VEC_INLINE vec vec_mul(vec a, vec b) { return a * b; }
VEC_INLINE vec vec_zero(void) { return vec_set(0.0F); }
VEC_INLINE vec vec_add(vec a, vec b) { return a + b; }
VEC_INLINE vec vec_sub(vec a, vec b) { return a - b; }
VEC_INLINE vec vec_fma(vec a, vec b, vec c) { return a * b + c; }

#include "byte_tiles.h"
#include "tiles.h"
RT_KERNELS(portable)
RT_LOOPS(portable)
static const rt_loops loops = RT_LOOP_TABLE(portable);
const rt_kernels rt_portable = RT_TABLE(portable, &loops);
