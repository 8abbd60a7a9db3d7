/* What a path of code (portable, AVX2, AVX-512, NEON) has to offer.  All of it writes and reads floats at given
 * strides. */
#ifndef SCNN_RUNTIME_KERNELS_H
#define SCNN_RUNTIME_KERNELS_H

#include <stddef.h>

#include "plan.h"

/* A kernel computes up to this many places at once. */
enum { rt_most_places = 12 };

/* A convolution at some places of the image.  x[p] is where the window at place p begins, y[p] where its outputs go:
 *   y[p][o] = relu?(multiply[o] * sum over k of x[p][offset(k)] * weights[k, o] + add[o])
 * with k over rows x columns x length, and offset = row * row_pitch + column * column_pitch + index. */
typedef struct rt_tile {
  const float* x[rt_most_places];
  float* y[rt_most_places];
  const void* weights;
  size_t rows, columns, length;
  ptrdiff_t row_pitch, column_pitch;
  const float *multiply, *add;
  int relu;
} rt_tile;

/* One position of Winograd tiles: m [n, width] = v [n, stride] x weights [length, width] from first_weight on.  Behind
 * n, up to rt_tiles places of v are read and of m written. */
typedef struct rt_product {
  const float* v;
  int64_t stride, n;
  const void* weights;
  size_t first_weight, length;
  float* m;
} rt_product;

/* Part of an image: channels of pixels that lie `stride` floats apart, rows `pitch` apart. */
typedef struct rt_view {
  float* at; /* of pixel (0, 0) */
  int64_t h, w, c, stride, pitch;
} rt_view;

/* The same of bytes.  The weights of a panel are [groups, width, 4]: four products of a group go into each output.
 *   sum[o] = base[o] + sum over g, k of x[p][offset[g] + k] * weights[g, o, k]
 *   v = multiply[o] * sum[o] + add[o], rounded twice
 *   y[p][o] = relu?(v), or as bytes: round(clamp(v, low, high)) + zero
 * Rounded is to even, what is no number becomes `high`.  Within `block` groups the sums of two products, and
 * of these, fit 16 bits; a path whose sums are `whole` reads no `block`. */
typedef struct rt_byte_tile {
  const uint8_t* x[rt_most_places];
  void* y[rt_most_places]; /* floats or bytes */
  const int8_t* weights;
  const ptrdiff_t* offset;
  size_t groups, block;
  const int32_t* base;
  const float *multiply, *add;
  int relu, to_bytes, zero;
  float low, high;
} rt_byte_tile;

/* Part of an image of bytes. */
typedef struct rt_byte_view {
  uint8_t* at;
  int64_t h, w, c, stride, pitch;
} rt_byte_view;

/* What is no sum of products.  A path may take another's. */
typedef struct rt_loops {
  /* Rows [begin, end) of the output. */
  void (*depthwise[rt_forms])(const rt_step* step, const rt_view* x, const rt_view* y, int64_t begin, int64_t end);
  void (*affine)(const rt_step* step, const rt_view* x, const rt_view* y, int64_t begin, int64_t end);
  void (*pool)(const rt_step* step, const rt_view* x, const rt_view* y, int64_t begin, int64_t end);
  /* Adds a source to row `row` of y. */
  void (*join)(const rt_source* source, const rt_view* x, const rt_view* y, int64_t row);
  /* The largest byte of windows; n floats as bytes. */
  void (*pool_bytes)(const rt_step* step, const rt_byte_view* x, const rt_byte_view* y, int64_t begin, int64_t end);
  void (*quantize)(rt_quantization quantization, const float* x, uint8_t* y, int64_t n);
} rt_loops;

enum { rt_widths = rt_widest / rt_lanes + 1 };

typedef struct rt_kernels {
  const char* name;
  rt_panels panels;
  int places[rt_widths]; /* of a tile of width 8 i */
  int byte_places[rt_widths];
  /* A tile of width 8 i, weights of a form; all places are computed. */
  void (*tile[rt_forms][rt_widths])(const rt_tile* tile);
  /* The same at one place, for linear layers. */
  void (*one[rt_forms][rt_widths])(const rt_tile* tile);
  /* Winograd's transforms.  A tile of 4 x 4 pixels at x of `channels` (a multiple of rt_lanes) becomes 16 positions of
   * v, `position` floats apart; 16 positions of `width` sums become 2 x 2 pixels at y[i], null for none. */
  void (*product[rt_forms][rt_widths])(const rt_product* product);
  void (*before)(const float* x, int64_t pitch, int64_t stride, float* v, int64_t position, int64_t channels);
  void (*after)(const float* m, int64_t position, int width, const rt_tile* terms);
  /* Tiles of bytes at several places and at one. */
  void (*bytes[rt_widths])(const rt_byte_tile* tile);
  void (*byte[rt_widths])(const rt_byte_tile* tile);
  const rt_loops* loops;
} rt_kernels;

extern const rt_kernels rt_portable;
extern const rt_loops rt_avx2_loops; /* on x86-64 */
/* Null where the processor, or the build, has none. */
const rt_kernels* rt_avx2(void);
const rt_kernels* rt_avx512(void);
const rt_kernels* rt_neon(void);

#endif
