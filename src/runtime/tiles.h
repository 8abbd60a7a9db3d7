/* The convolution kernels, in terms of the vectors of a path, which includes this behind its definitions of
 *   vec, VEC_LANES       a vector of floats and how many: 1, 4 or 8
 *   vec_zero, vec_load, vec_store, vec_set (all lanes), vec_add, vec_sub, vec_positive (0 for negative lanes)
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

/* v = B' x B with rows of B': x0 - x2, x1 + x2, x2 - x1, x1 - x3. */
VEC_INLINE void tile_before(const float* x, int64_t pitch, int64_t stride, float* v, int64_t position,
                            int64_t channels) {
  for (int64_t c = 0; c < channels; c += VEC_LANES) {
    vec d[4][4];
    RT_UNROLL for (int j = 0; j < 4; ++j) {
      const float* at = x + j * stride + c;
      const vec x0 = vec_load(at), x1 = vec_load(at + pitch), x2 = vec_load(at + 2 * pitch),
                x3 = vec_load(at + 3 * pitch);
      d[0][j] = vec_sub(x0, x2);
      d[1][j] = vec_add(x1, x2);
      d[2][j] = vec_sub(x2, x1);
      d[3][j] = vec_sub(x1, x3);
    }
    RT_UNROLL for (int i = 0; i < 4; ++i) {
      float* to = v + 4 * i * position + c;
      vec_store(to, vec_sub(d[i][0], d[i][2]));
      vec_store(to + position, vec_add(d[i][1], d[i][2]));
      vec_store(to + 2 * position, vec_sub(d[i][2], d[i][1]));
      vec_store(to + 3 * position, vec_sub(d[i][1], d[i][3]));
    }
  }
}

/* y = A' m A with rows of A': m0 + m1 + m2, m1 - m2 - m3. */
VEC_INLINE void tile_after(const float* m, int64_t position, int width, const rt_tile* t) {
  for (int o = 0; o < width; o += VEC_LANES) {
    vec row[2][4];
    RT_UNROLL for (int j = 0; j < 4; ++j) {
      const float* at = m + j * position + o;
      const vec m0 = vec_load(at), m1 = vec_load(at + 4 * position);
      const vec m2 = vec_load(at + 8 * position), m3 = vec_load(at + 12 * position);
      row[0][j] = vec_add(vec_add(m0, m1), m2);
      row[1][j] = vec_sub(vec_sub(m1, m2), m3);
    }
    RT_UNROLL for (int i = 0; i < 2; ++i) {
      if (t->y[2 * i] != NULL) tile_finish(t, vec_add(vec_add(row[i][0], row[i][1]), row[i][2]), 2 * i, o / VEC_LANES);
      if (t->y[2 * i + 1] != NULL) {
        tile_finish(t, vec_sub(vec_sub(row[i][1], row[i][2]), row[i][3]), 2 * i + 1, o / VEC_LANES);
      }
    }
  }
}

#define RT_TILE(t, form, eights) \
  tile(t, form, 8 * eights / VEC_LANES, eights == 3 ? VEC_TILE24 : eights == 2 ? VEC_TILE16 : VEC_TILE8)
#define RT_ONE(t, form, eights) tile_one(t, form, 8 * eights / VEC_LANES)

#endif
