/* Loops that every path compiles for itself: RT_CODE says for which processor. */
#ifndef SCNN_RUNTIME_LOOPS_H
#define SCNN_RUNTIME_LOOPS_H

#include <string.h>

#include "kernels.h"

#if defined(__GNUC__)
#define RT_INLINE static inline __attribute__((always_inline))
#else
#define RT_INLINE static inline
#endif

/* Sums in arrays become registers once the loops over them are gone. */
#if defined(__GNUC__)
#define RT_UNROLL _Pragma("GCC unroll 12")
#else
#define RT_UNROLL
#endif

RT_INLINE float rt_weight(const void* weights, rt_form form, size_t at) {
  switch (form) {
    case rt_form_int8:
      return (float)((const int8_t*)weights)[at];
    case rt_form_int16:
      return (float)((const int16_t*)weights)[at];
    default:
      return ((const float*)weights)[at];
  }
}

RT_INLINE void rt_finish(float* y, const float* x, const float* multiply, const float* add, int relu, int64_t c) {
  for (int64_t i = 0; i < c; ++i) y[i] = multiply[i] * x[i] + add[i];
  if (relu) {
    for (int64_t i = 0; i < c; ++i) y[i] = y[i] > 0.0F ? y[i] : 0.0F;
  }
}

/* The part of a window [first, first + kernel) with steps of `dilation` that lies in [0, extent). */
typedef struct rt_clip {
  int64_t begin, end;
} rt_clip;
RT_INLINE rt_clip rt_clip_window(int64_t first, int64_t kernel, int64_t dilation, int64_t extent) {
  rt_clip clip = {0, kernel};
  if (first < 0) clip.begin = (-first + dilation - 1) / dilation;
  if (first + dilation * (kernel - 1) >= extent) clip.end = (extent - first + dilation - 1) / dilation;
  return clip;
}

RT_INLINE void rt_affine_rows(const rt_step* s, const rt_view* x, const rt_view* y, int64_t begin, int64_t end) {
  const int64_t c = x->stride < y->stride ? y->c : y->stride;
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t column = 0; column < y->w; ++column) {
      rt_finish(y->at + row * y->pitch + column * y->stride, x->at + row * x->pitch + column * x->stride, s->multiply,
                s->add, s->relu, c);
    }
  }
}

RT_INLINE void rt_pool_rows(const rt_step* s, const rt_view* x, const rt_view* y, int64_t begin, int64_t end) {
  const int64_t c = x->stride < y->stride ? x->stride : y->stride;
  for (int64_t oy = begin; oy < end; ++oy) {
    const int64_t top = oy * s->stride.h - s->pad.h;
    const rt_clip rows = rt_clip_window(top, s->kernel.h, 1, x->h);
    for (int64_t ox = 0; ox < y->w; ++ox) {
      float* out = y->at + oy * y->pitch + ox * y->stride;
      const int64_t left = ox * s->stride.w - s->pad.w;
      const rt_clip columns = rt_clip_window(left, s->kernel.w, 1, x->w);
      const float* in = x->at + (top + rows.begin) * x->pitch + (left + columns.begin) * x->stride;
      const int64_t h = rows.end - rows.begin, w = columns.end - columns.begin;
      if (h == 2 && w == 2 && !s->average) {
        const float* below = in + x->pitch;
        for (int64_t i = 0; i < c; ++i) {
          const float a = in[i] > in[x->stride + i] ? in[i] : in[x->stride + i];
          const float b = below[i] > below[x->stride + i] ? below[i] : below[x->stride + i];
          out[i] = a > b ? a : b;
        }
        continue;
      }
      for (int64_t i = 0; i < c; ++i) out[i] = in[i];
      for (int64_t k = 1; k < h * w; ++k) {
        const float* other = in + k / w * x->pitch + k % w * x->stride;
        if (s->average) {
          for (int64_t i = 0; i < c; ++i) out[i] += other[i];
        } else {
          for (int64_t i = 0; i < c; ++i) out[i] = out[i] > other[i] ? out[i] : other[i];
        }
      }
      for (int64_t i = 0; s->average && i < c; ++i) out[i] /= (float)(h * w);
    }
  }
}

RT_INLINE void rt_join_row(const rt_source* source, const rt_view* x, const rt_view* y, int64_t row) {
  for (int64_t column = 0; column < y->w; ++column) {
    const float* in = x->at + row * x->pitch + column * x->stride;
    float* out = y->at + row * y->pitch + column * y->stride;
    for (int p = 0; p < source->pieces; ++p) {
      const rt_piece piece = source->piece[p];
      for (int i = 0; i < piece.count; ++i) out[piece.to + i] += in[piece.from + i];
    }
  }
}

/* The tables of one path: functions named by `path`, code for RT_CODE. */
#define RT_WIDTH_KERNELS(path, form, width)                                                                         \
  RT_CODE static void path##_tile##width##_##form(const rt_tile* t) { RT_TILE(t, rt_form_##form, width); }          \
  RT_CODE static void path##_product##width##_##form(const rt_product* t) { RT_PRODUCT(t, rt_form_##form, width); } \
  RT_CODE static void path##_one##width##_##form(const rt_tile* t) { RT_ONE(t, rt_form_##form, width); }

#define RT_BYTE_KERNELS(path, width)                                                         \
  RT_CODE static void path##_bytes##width(const rt_byte_tile* t) { RT_BYTE_TILE(t, width); } \
  RT_CODE static void path##_byte##width(const rt_byte_tile* t) { byte_tile(t, width, 1); }

#define RT_KERNELS_OF_WIDTH(path, width) \
  RT_WIDTH_KERNELS(path, int8, width)    \
  RT_16_BITS(path, width)                \
  RT_WIDTH_KERNELS(path, float, width)   \
  RT_BYTE_KERNELS(path, width)

#define RT_KERNELS(path)                                                                                       \
  RT_KERNELS_OF_WIDTH(path, 8)                                                                                 \
  RT_KERNELS_OF_WIDTH(path, 16)                                                                                \
  RT_KERNELS_OF_WIDTH(path, 24)                                                                                \
  RT_CODE static void path##_before(const float* x, int64_t pitch, int64_t stride, float* v, int64_t position, \
                                    int64_t channels) {                                                        \
    tile_before(x, pitch, stride, v, position, channels);                                                      \
  }                                                                                                            \
  RT_CODE static void path##_after(const float* m, int64_t position, int width, const rt_tile* terms) {        \
    tile_after(m, position, width, terms);                                                                     \
  }

#define RT_DEPTHWISE(path, form)                                                                               \
  RT_CODE static void path##_depthwise_##form(const rt_step* s, const rt_view* x, const rt_view* y, int64_t b, \
                                              int64_t e) {                                                     \
    depthwise_rows(s, rt_form_##form, x, y, b, e);                                                             \
  }

#define RT_LOOPS(path)                                                                                             \
  RT_DEPTHWISE(path, int8)                                                                                         \
  RT_DEPTHWISE(path, int16)                                                                                        \
  RT_DEPTHWISE(path, float)                                                                                        \
  RT_CODE static void path##_affine(const rt_step* s, const rt_view* x, const rt_view* y, int64_t b, int64_t e) {  \
    rt_affine_rows(s, x, y, b, e);                                                                                 \
  }                                                                                                                \
  RT_CODE static void path##_pool(const rt_step* s, const rt_view* x, const rt_view* y, int64_t b, int64_t e) {    \
    rt_pool_rows(s, x, y, b, e);                                                                                   \
  }                                                                                                                \
  RT_CODE static void path##_pool_bytes(const rt_step* s, const rt_byte_view* x, const rt_byte_view* y, int64_t b, \
                                        int64_t e) {                                                               \
    pool_bytes(s, x, y, b, e);                                                                                     \
  }                                                                                                                \
  RT_CODE static void path##_quantize(rt_quantization quantization, const float* x, uint8_t* y, int64_t n) {       \
    bytes_of_floats(quantization, x, y, n);                                                                        \
  }                                                                                                                \
  RT_CODE static void path##_join(const rt_source* s, const rt_view* x, const rt_view* y, int64_t row) {           \
    rt_join_row(s, x, y, row);                                                                                     \
  }

/* clang-format off */
#define RT_LOOP_TABLE(path)                                                                                          \
  {                                                                                                                  \
    {path##_depthwise_int8, path##_depthwise_int16, path##_depthwise_float}, path##_affine, path##_pool,             \
    path##_join, path##_pool_bytes, path##_quantize                                                                  \
  }
#define RT_WIDTHS(path, what, form) \
  {NULL, path##_##what##8##form, path##_##what##16##form, path##_##what##24##form, RT_32(path, what, form)}
#define RT_FORM_TABLE(path, what) \
  {RT_WIDTHS(path, what, _int8), RT_WIDTHS_16_BITS(path, what), RT_WIDTHS(path, what, _float)}
#define RT_TABLE(path, loops)                                                                                        \
  {                                                                                                                  \
    #path, {VEC_WIDEST, VEC_WHOLE, VEC_WORDS}, {1, VEC_TILE8, VEC_TILE16, VEC_TILE24, VEC_TILE32},                              \
    {1, VEC_BYTES8, VEC_BYTES16, VEC_BYTES24, VEC_BYTES32}, RT_FORM_TABLE(path, tile), RT_FORM_TABLE(path, one),     \
    RT_FORM_TABLE(path, product), path##_before, path##_after, RT_WIDTHS(path, bytes, ), RT_WIDTHS(path, byte, ),    \
    loops                                                                                                            \
  }
/* clang-format on */
#ifdef VEC_HALVES
#define RT_32(path, what, form) path##_##what##32##form
#define RT_16_BITS(path, width)
#define RT_WIDTHS_16_BITS(path, what) \
  { NULL }
enum { VEC_WORDS = 0 };
#else
#define RT_32(path, what, form) NULL
#define RT_16_BITS(path, width) RT_WIDTH_KERNELS(path, int16, width)
#define RT_WIDTHS_16_BITS(path, what) RT_WIDTHS(path, what, _int16)
enum { VEC_WORDS = 1 };
enum { VEC_WIDEST = 24, VEC_TILE32 = 0, VEC_BYTES32 = 0 };
enum { VEC_PRODUCT8 = VEC_TILE24, VEC_PRODUCT16 = VEC_TILE16, VEC_PRODUCT24 = VEC_TILE24 }; /* divisors of rt_tiles */
#endif

#endif
