/* The convolution kernels, in terms of the vectors of a path, which includes this behind its definitions of
 *   vec, VEC_LANES       a vector of floats and how many: 1, 4 or 8
 *   vec_zero, vec_load, vec_store, vec_set (all lanes), vec_add, vec_positive (0 for negative lanes)
 *   vec_fma(a, b, c)     a * b + c
 *   vec_weights          VEC_LANES weights of a form as floats
 *   RT_CODE, VEC_INLINE  attributes of functions; VEC_TILE8, 16, 24: how many places at a time */
#ifndef SCNN_RUNTIME_TILES_H
#define SCNN_RUNTIME_TILES_H

#include "loops.h"

enum { vec_most = 24 / VEC_LANES };

VEC_INLINE void tile_finish(const rt_tile* t, vec sum, int place, int vector) {
  const size_t o = (size_t)vector * VEC_LANES;
  const vec y = vec_fma(sum, vec_load(t->multiply + o), vec_load(t->add + o));
  vec_store(t->y[place] + o, t->relu ? vec_positive(y) : y);
}

/* All sums stay in registers: `places` x `vectors` are as many as a processor has, but for a few. */
VEC_INLINE void tile(const rt_tile* t, rt_form form, int vectors, int places) {
  vec sum[8][vec_most];
  size_t weight = 0;
  RT_UNROLL for (int p = 0; p < places; ++p) { RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = vec_zero(); }
  for (size_t row = 0; row < t->rows; ++row) {
    for (size_t column = 0; column < t->columns; ++column) {
      const ptrdiff_t offset = (ptrdiff_t)row * t->row_pitch + (ptrdiff_t)column * t->column_pitch;
      const float* x[8];
      RT_UNROLL for (int p = 0; p < places; ++p) x[p] = t->x[p] + offset;
      for (size_t i = 0; i < t->length; ++i, weight += (size_t)(vectors * VEC_LANES)) {
        vec w[vec_most];
        RT_UNROLL for (int b = 0; b < vectors; ++b) w[b] =
            vec_weights(t->weights, form, weight + (size_t)(b * VEC_LANES));
        RT_UNROLL for (int p = 0; p < places; ++p) {
          const vec value = vec_set(x[p][i]);
          RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = vec_fma(value, w[b], sum[p][b]);
        }
      }
    }
  }
  RT_UNROLL for (int p = 0; p < places; ++p) {
    RT_UNROLL for (int b = 0; b < vectors; ++b) tile_finish(t, sum[p][b], p, b);
  }
}

/* One place: several sums for each output hide the latency of the additions. */
VEC_INLINE void tile_one(const rt_tile* t, rt_form form, int vectors) {
  enum { ways = VEC_LANES == 8 ? 4 : 2 };
  const size_t width = (size_t)(vectors * VEC_LANES);
  vec sum[ways][vec_most];
  size_t weight = 0;
  RT_UNROLL for (int k = 0; k < ways; ++k) { RT_UNROLL for (int b = 0; b < vectors; ++b) sum[k][b] = vec_zero(); }
  for (size_t row = 0; row < t->rows; ++row) {
    for (size_t column = 0; column < t->columns; ++column) {
      const float* x = t->x[0] + (ptrdiff_t)row * t->row_pitch + (ptrdiff_t)column * t->column_pitch;
      size_t i = 0;
      for (; i + ways <= t->length; i += ways, weight += ways * width) {
        RT_UNROLL for (int k = 0; k < ways; ++k) {
          const vec value = vec_set(x[i + (size_t)k]);
          RT_UNROLL for (int b = 0; b < vectors; ++b) {
            const vec w = vec_weights(t->weights, form, weight + (size_t)k * width + (size_t)(b * VEC_LANES));
            sum[k][b] = vec_fma(value, w, sum[k][b]);
          }
        }
      }
      for (; i < t->length; ++i, weight += width) {
        const vec value = vec_set(x[i]);
        RT_UNROLL for (int b = 0; b < vectors; ++b) {
          sum[0][b] = vec_fma(value, vec_weights(t->weights, form, weight + (size_t)(b * VEC_LANES)), sum[0][b]);
        }
      }
    }
  }
  RT_UNROLL for (int b = 0; b < vectors; ++b) {
    RT_UNROLL for (int k = 1; k < ways; ++k) sum[0][b] = vec_add(sum[0][b], sum[k][b]);
    tile_finish(t, sum[0][b], 0, b);
  }
}

#define RT_TILE(t, form, eights) \
  tile(t, form, 8 * eights / VEC_LANES, eights == 3 ? VEC_TILE24 : eights == 2 ? VEC_TILE16 : VEC_TILE8)
#define RT_ONE(t, form, eights) tile_one(t, form, 8 * eights / VEC_LANES)

#endif
