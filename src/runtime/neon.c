/* NEON: every AArch64 processor has it. */
#include "kernels.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#include <string.h>

#define RT_CODE
#define VEC_INLINE static inline __attribute__((always_inline))
enum { VEC_LANES = 4, VEC_TILE8 = 8, VEC_TILE16 = 6, VEC_TILE24 = 4, VEC_WHOLE = 0 };
enum { VEC_BYTES8 = 4, VEC_BYTES16 = 2, VEC_BYTES24 = 2 };
typedef float32x4_t vec;

VEC_INLINE vec vec_zero(void) { return vdupq_n_f32(0.0F); }
VEC_INLINE vec vec_set(float value) { return vdupq_n_f32(value); }
VEC_INLINE vec vec_load(const float* from) { return vld1q_f32(from); }
VEC_INLINE void vec_store(float* to, vec v) { vst1q_f32(to, v); }
VEC_INLINE vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
VEC_INLINE vec vec_sub(vec a, vec b) { return vsubq_f32(a, b); }
VEC_INLINE vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
VEC_INLINE vec vec_positive(vec v) { return vmaxq_f32(v, vdupq_n_f32(0.0F)); }

VEC_INLINE vec vec_weights(const void* weights, rt_form form, size_t at) {
  switch (form) {
    case rt_form_int8: {
      uint32_t four;
      memcpy(&four, (const int8_t*)weights + at, sizeof(four));
      const int16x8_t words = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
      return vcvtq_f32_s32(vmovl_s16(vget_low_s16(words)));
    }
    case rt_form_int16:
      return vcvtq_f32_s32(vmovl_s16(vld1_s16((const int16_t*)weights + at)));
    default:
      return vld1q_f32((const float*)weights + at);
  }
}

typedef int32x4_t ivec;
typedef int16x8_t four;
/* Outputs 0, 1 and outputs 2, 3, four products each. */
typedef struct dot {
  int16x8_t low, high;
} dot;

VEC_INLINE vec vec_mul(vec a, vec b) { return vmulq_f32(a, b); }
VEC_INLINE ivec ivec_set(int32_t value) { return vdupq_n_s32(value); }
VEC_INLINE ivec ivec_load(const int32_t* from) { return vld1q_s32(from); }
VEC_INLINE ivec ivec_add(ivec a, ivec b) { return vaddq_s32(a, b); }
VEC_INLINE vec ivec_floats(ivec v) { return vcvtq_f32_s32(v); }
VEC_INLINE four four_set(const uint8_t* x) {
  uint32_t bytes;
  memcpy(&bytes, x, sizeof(bytes));
  return vreinterpretq_s16_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(bytes))));
}
VEC_INLINE dot dot_zero(void) {
  const dot zero = {vdupq_n_s16(0), vdupq_n_s16(0)};
  return zero;
}
VEC_INLINE dot dot_add(dot d, four x, const int8_t* w) {
  const int8x16_t weights = vld1q_s8(w);
  d.low = vmlaq_s16(d.low, x, vmovl_s8(vget_low_s8(weights)));
  d.high = vmlaq_s16(d.high, x, vmovl_s8(vget_high_s8(weights)));
  return d;
}
VEC_INLINE ivec dot_sum(dot d) { return vpaddq_s32(vpaddlq_s16(d.low), vpaddlq_s16(d.high)); }
typedef uint8x8_t eight;
VEC_INLINE eight eight_load(const uint8_t* from) { return vld1_u8(from); }
VEC_INLINE void eight_store(uint8_t* to, eight v) { vst1_u8(to, v); }
VEC_INLINE eight eight_most(eight a, eight b) { return vmax_u8(a, b); }
VEC_INLINE void vec_bytes(uint8_t* to, vec v, vec low, vec high, ivec zero) {
  v = vbslq_f32(vcltq_f32(v, high), v, high);
  v = vbslq_f32(vcgtq_f32(v, low), v, low);
  const int16x4_t words = vmovn_s32(vaddq_s32(vcvtnq_s32_f32(v), zero));
  const uint32_t bytes = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0);
  memcpy(to, &bytes, sizeof(bytes));
}

#include "byte_tiles.h"
#include "tiles.h"
RT_KERNELS(neon)
RT_LOOPS(neon)
static const rt_loops loops = RT_LOOP_TABLE(neon);
static const rt_kernels table = RT_TABLE(neon, &loops);

const rt_kernels* rt_neon(void) { return &table; }

#else
const rt_kernels* rt_neon(void) { return NULL; }
#endif
