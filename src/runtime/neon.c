/* NEON: every AArch64 processor has it. */
#include "kernels.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#include <string.h>

#define RT_CODE
#define VEC_INLINE static inline __attribute__((always_inline))
enum { VEC_LANES = 4, VEC_TILE8 = 8, VEC_TILE16 = 6, VEC_TILE24 = 4 };
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
    case rt_form_int32:
      return vcvtq_f32_s32(vld1q_s32((const int32_t*)weights + at));
    default:
      return vld1q_f32((const float*)weights + at);
  }
}

#include "tiles.h"
RT_KERNELS(neon)
static const rt_kernels table = RT_TABLE(neon);

const rt_kernels* rt_neon(void) { return &table; }

#else
const rt_kernels* rt_neon(void) { return NULL; }
#endif
