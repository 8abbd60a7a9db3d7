/* The convolution kernels, in terms of the vectors of a path, which includes this behind its definitions of
 *   vec, VEC_LANES       a vector of floats and how many: 1, 4, 8 or 16
 *   vec_zero, vec_load, vec_store, vec_set (all lanes), vec_add, vec_sub, vec_positive (0 for negative lanes)
 *   vec_fma(a, b, c)     a * b + c
 *   vec_weights          VEC_LANES weights of a form as floats
 *   VEC_HALVES           defined where VEC_LANES are 16, with vec_load_half, vec_store_half and vec_weights_half for
 *                        the last 8 of a panel: the other 8 are 0, and not stored
 *   RT_CODE, VEC_INLINE  attributes of functions
 *   VEC_TILE8, 16, ..    how many places at a time; VEC_PRODUCT8, ..: of products, a divisor of rt_tiles */
#ifndef SCNN_RUNTIME_TILES_H
#define SCNN_RUNTIME_TILES_H

#include "loops.h"

enum { vec_most = (VEC_WIDEST + VEC_LANES - 1) / VEC_LANES };
#define VEC_VECTORS(width) (((width) + VEC_LANES - 1) / VEC_LANES)

VEC_INLINE vec weights_at(const void* weights, rt_form form, size_t at, int width, int o) {
  return VEC_HALVED(width, o) ? vec_weights_half(weights, form, at + (size_t)o)
                              : vec_weights(weights, form, at + (size_t)o);
}

VEC_INLINE void tile_finish(const rt_tile* t, vec sum, int place, int width, int o) {
  const vec y = vec_fma(sum, load_at(t->multiply, width, o), load_at(t->add, width, o));
  store_at(t->y[place], t->relu ? vec_positive(y) : y, width, o);
}

/* All sums stay in registers: `places` x `vectors` are as many as a processor has, but for a few. */
VEC_INLINE void tile(const rt_tile* t, rt_form form, int width, int places) {
  const int vectors = VEC_VECTORS(width);
  vec sum[rt_most_places][vec_most];
  size_t weight = 0;
  RT_UNROLL for (int p = 0; p < places; ++p) { RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = vec_zero(); }
  for (size_t row = 0; row < t->rows; ++row) {
    for (size_t column = 0; column < t->columns; ++column) {
      const ptrdiff_t offset = (ptrdiff_t)row * t->row_pitch + (ptrdiff_t)column * t->column_pitch;
      const float* x[rt_most_places];
      RT_UNROLL for (int p = 0; p < places; ++p) x[p] = t->x[p] + offset;
      for (size_t i = 0; i < t->length; ++i, weight += (size_t)width) {
        vec w[vec_most];
        RT_UNROLL for (int b = 0; b < vectors; ++b) w[b] = weights_at(t->weights, form, weight, width, b * VEC_LANES);
        RT_UNROLL for (int p = 0; p < places; ++p) {
          const vec value = vec_set(x[p][i]);
          RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = vec_fma(value, w[b], sum[p][b]);
        }
      }
    }
  }
  RT_UNROLL for (int p = 0; p < places; ++p) {
    RT_UNROLL for (int b = 0; b < vectors; ++b) tile_finish(t, sum[p][b], p, width, b * VEC_LANES);
  }
}

/* One place: several sums for each output hide the latency of the additions. */
VEC_INLINE void tile_one(const rt_tile* t, rt_form form, int width) {
  enum { ways = VEC_LANES >= 8 ? 4 : 2 };
  const int vectors = VEC_VECTORS(width);
  vec sum[ways][vec_most];
  size_t weight = 0;
  RT_UNROLL for (int k = 0; k < ways; ++k) { RT_UNROLL for (int b = 0; b < vectors; ++b) sum[k][b] = vec_zero(); }
  for (size_t row = 0; row < t->rows; ++row) {
    for (size_t column = 0; column < t->columns; ++column) {
      const float* x = t->x[0] + (ptrdiff_t)row * t->row_pitch + (ptrdiff_t)column * t->column_pitch;
      size_t i = 0;
      for (; i + ways <= t->length; i += ways, weight += (size_t)(ways * width)) {
        RT_UNROLL for (int k = 0; k < ways; ++k) {
          const vec value = vec_set(x[i + (size_t)k]);
          RT_UNROLL for (int b = 0; b < vectors; ++b) {
            const vec w = weights_at(t->weights, form, weight + (size_t)(k * width), width, b * VEC_LANES);
            sum[k][b] = vec_fma(value, w, sum[k][b]);
          }
        }
      }
      for (; i < t->length; ++i, weight += (size_t)width) {
        const vec value = vec_set(x[i]);
        RT_UNROLL for (int b = 0; b < vectors; ++b) {
          sum[0][b] = vec_fma(value, weights_at(t->weights, form, weight, width, b * VEC_LANES), sum[0][b]);
        }
      }
    }
  }
  RT_UNROLL for (int b = 0; b < vectors; ++b) {
    RT_UNROLL for (int k = 1; k < ways; ++k) sum[0][b] = vec_add(sum[0][b], sum[k][b]);
    tile_finish(t, sum[0][b], 0, width, b * VEC_LANES);
  }
}

/* All places at one position of Winograd tiles: sums, and nothing else. */
VEC_INLINE void tile_product(const rt_product* t, rt_form form, int width, int places) {
  const int vectors = VEC_VECTORS(width);
  for (int64_t first = 0; first < t->n; first += places) {
    vec sum[rt_most_places][vec_most];
    const float* x[rt_most_places];
    size_t weight = t->first_weight;
    RT_UNROLL for (int p = 0; p < places; ++p) {
      x[p] = t->v + (first + p) * t->stride;
      RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = vec_zero();
    }
    for (size_t i = 0; i < t->length; ++i, weight += (size_t)width) {
      vec w[vec_most];
      RT_UNROLL for (int b = 0; b < vectors; ++b) w[b] = weights_at(t->weights, form, weight, width, b * VEC_LANES);
      RT_UNROLL for (int p = 0; p < places; ++p) {
        const vec value = vec_set(x[p][i]);
        RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = vec_fma(value, w[b], sum[p][b]);
      }
    }
    RT_UNROLL for (int p = 0; p < places; ++p) {
      float* to = t->m + (first + p) * width;
      RT_UNROLL for (int b = 0; b < vectors; ++b) store_at(to, sum[p][b], width, b * VEC_LANES);
    }
  }
}

/* v = B' x B with rows of B': x0 - x2, x1 + x2, x2 - x1, x1 - x3. */
VEC_INLINE void tile_before(const float* x, int64_t pitch, int64_t stride, float* v, int64_t position,
                            int64_t channels) {
  const int n = (int)channels;
  for (int c = 0; c < n; c += VEC_LANES) {
    vec d[4][4];
    RT_UNROLL for (int j = 0; j < 4; ++j) {
      const float* at = x + j * stride;
      const vec x0 = load_at(at, n, c), x1 = load_at(at + pitch, n, c), x2 = load_at(at + 2 * pitch, n, c),
                x3 = load_at(at + 3 * pitch, n, c);
      d[0][j] = vec_sub(x0, x2);
      d[1][j] = vec_add(x1, x2);
      d[2][j] = vec_sub(x2, x1);
      d[3][j] = vec_sub(x1, x3);
    }
    RT_UNROLL for (int i = 0; i < 4; ++i) {
      float* to = v + 4 * i * position;
      store_at(to, vec_sub(d[i][0], d[i][2]), n, c);
      store_at(to + position, vec_add(d[i][1], d[i][2]), n, c);
      store_at(to + 2 * position, vec_sub(d[i][2], d[i][1]), n, c);
      store_at(to + 3 * position, vec_sub(d[i][1], d[i][3]), n, c);
    }
  }
}

/* y = A' m A with rows of A': m0 + m1 + m2, m1 - m2 - m3. */
VEC_INLINE void tile_after(const float* m, int64_t position, int width, const rt_tile* t) {
  for (int o = 0; o < width; o += VEC_LANES) {
    vec row[2][4];
    RT_UNROLL for (int j = 0; j < 4; ++j) {
      const float* at = m + j * position;
      const vec m0 = load_at(at, width, o), m1 = load_at(at + 4 * position, width, o);
      const vec m2 = load_at(at + 8 * position, width, o), m3 = load_at(at + 12 * position, width, o);
      row[0][j] = vec_add(vec_add(m0, m1), m2);
      row[1][j] = vec_sub(vec_sub(m1, m2), m3);
    }
    RT_UNROLL for (int i = 0; i < 2; ++i) {
      if (t->y[2 * i] != NULL) tile_finish(t, vec_add(vec_add(row[i][0], row[i][1]), row[i][2]), 2 * i, width, o);
      if (t->y[2 * i + 1] != NULL) {
        tile_finish(t, vec_sub(vec_sub(row[i][1], row[i][2]), row[i][3]), 2 * i + 1, width, o);
      }
    }
  }
}

#ifndef VEC_HALVES /* such a path takes another's loops */
VEC_INLINE void depthwise_rows(const rt_step* s, rt_form form, const rt_view* x, const rt_view* y, int64_t begin,
                               int64_t end) {
  const int64_t c = x->stride < y->stride ? y->c : y->stride;
  for (int64_t oy = begin; oy < end; ++oy) {
    const int64_t top = oy * s->stride.h - s->pad.h;
    const rt_clip rows = rt_clip_window(top, s->kernel.h, s->dilation.h, x->h);
    for (int64_t ox = 0; ox < y->w; ++ox) {
      float* out = y->at + oy * y->pitch + ox * y->stride;
      const int64_t left = ox * s->stride.w - s->pad.w;
      const rt_clip columns = rt_clip_window(left, s->kernel.w, s->dilation.w, x->w);
      const float* window = x->at + top * x->pitch + left * x->stride;
      int64_t i = 0;
      for (; i + VEC_LANES <= c; i += VEC_LANES) {
        vec sum = vec_zero();
        for (int64_t ky = rows.begin; ky < rows.end; ++ky) {
          for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
            const float* in = window + ky * s->dilation.h * x->pitch + kx * s->dilation.w * x->stride + i;
            const size_t tap = (size_t)((ky * s->kernel.w + kx) * y->stride + i);
            sum = vec_add(sum, vec_mul(vec_load(in), vec_weights(s->weights, form, tap)));
          }
        }
        sum = vec_add(vec_mul(sum, vec_load(s->multiply + i)), vec_load(s->add + i));
        vec_store(out + i, s->relu ? vec_positive(sum) : sum);
      }
      for (; i < y->stride; ++i) { /* pixels without room for whole vectors; behind the channels: 0 */
        float sum = 0;
        for (int64_t ky = rows.begin; ky < rows.end && i < c; ++ky) {
          for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
            const float* in = window + ky * s->dilation.h * x->pitch + kx * s->dilation.w * x->stride + i;
            sum += *in * rt_weight(s->weights, form, (size_t)((ky * s->kernel.w + kx) * y->stride + i));
          }
        }
        sum = s->multiply[i] * sum + s->add[i];
        out[i] = s->relu && !(sum > 0.0F) ? 0.0F : sum;
      }
    }
  }
}
#endif

#define RT_TILE(t, form, width) tile(t, form, width, VEC_TILE##width)
#define RT_PRODUCT(t, form, width) tile_product(t, form, width, VEC_PRODUCT##width)
#define RT_ONE(t, form, width) tile_one(t, form, width)

#endif
