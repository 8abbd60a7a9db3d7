/* The convolution of bytes and what makes bytes of floats, in terms of a path's vectors; beside tiles.h's:
 *   ivec                 VEC_LANES int32; ivec_load, ivec_add, ivec_set (all lanes), ivec_floats
 *   four, four_set       four bytes of x, for every output
 *   dot, dot_zero        sums of VEC_LANES outputs: of two products each in 16 bits, or of four in 32 (VNNI)
 *   dot_add(d, x, w)     adds the four products of VEC_LANES outputs with weights at w
 *   dot_sum              their sums as an ivec
 *   eight                eight bytes; eight_load, eight_store, eight_most
 *   vec_bytes            VEC_LANES numbers as bytes; VEC_BYTES8, 16, 24, 32: how many places at a time
 *   VEC_WHOLE            whether a dot never overflows, however many groups
 *   VEC_HALVES           adds ivec_load_half, dot_add_half, vec_bytes_half; see tiles.h */
#ifndef SCNN_RUNTIME_BYTE_TILES_H
#define SCNN_RUNTIME_BYTE_TILES_H

#include "loops.h"

enum { byte_most = (VEC_WIDEST + VEC_LANES - 1) / VEC_LANES };

/* Whether the panel ends within the vector from output o on. */
#define VEC_HALVED(width, o) ((width) - (o) < VEC_LANES)
#ifndef VEC_HALVES
#define vec_load_half vec_load
#define vec_store_half vec_store
#define vec_weights_half vec_weights
#define vec_bytes_half vec_bytes
#define ivec_load_half ivec_load
#define dot_add_half dot_add
#endif
VEC_INLINE vec load_at(const float* from, int width, int o) {
  return VEC_HALVED(width, o) ? vec_load_half(from + o) : vec_load(from + o);
}
VEC_INLINE void store_at(float* to, vec v, int width, int o) {
  if (VEC_HALVED(width, o)) {
    vec_store_half(to + o, v);
  } else {
    vec_store(to + o, v);
  }
}

VEC_INLINE vec byte_value(const rt_byte_tile* t, ivec sum, int width, int o) {
  const ivec base = VEC_HALVED(width, o) ? ivec_load_half(t->base + o) : ivec_load(t->base + o);
  return vec_add(vec_mul(ivec_floats(ivec_add(sum, base)), load_at(t->multiply, width, o)), load_at(t->add, width, o));
}

VEC_INLINE void byte_tile(const rt_byte_tile* t, int width, int places) {
  const int vectors = (width + VEC_LANES - 1) / VEC_LANES;
  const int8_t* weights = t->weights;
  ivec sum[rt_most_places][byte_most];
  size_t g = 0;
  RT_UNROLL for (int p = 0; p < places; ++p) { RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = ivec_set(0); }
  do {
    const size_t end = VEC_WHOLE || t->groups - g < t->block ? t->groups : g + t->block;
    dot d[rt_most_places][byte_most];
    RT_UNROLL for (int p = 0; p < places; ++p) { RT_UNROLL for (int b = 0; b < vectors; ++b) d[p][b] = dot_zero(); }
    for (; g < end; ++g, weights += 4 * width) {
      const ptrdiff_t offset = t->offset[g];
      RT_UNROLL for (int p = 0; p < places; ++p) {
        const four x = four_set(t->x[p] + offset);
        RT_UNROLL for (int b = 0; b < vectors; ++b) {
          const int o = b * VEC_LANES;
          d[p][b] =
              VEC_HALVED(width, o) ? dot_add_half(d[p][b], x, weights + 4 * o) : dot_add(d[p][b], x, weights + 4 * o);
        }
      }
    }
    RT_UNROLL for (int p = 0; p < places; ++p) {
      RT_UNROLL for (int b = 0; b < vectors; ++b) sum[p][b] = ivec_add(sum[p][b], dot_sum(d[p][b]));
    }
  } while (!VEC_WHOLE && g < t->groups);
  if (t->to_bytes) {
    const vec low = vec_set(t->low), high = vec_set(t->high);
    const ivec zero = ivec_set(t->zero);
    RT_UNROLL for (int p = 0; p < places; ++p) {
      RT_UNROLL for (int b = 0; b < vectors; ++b) {
        const int o = b * VEC_LANES;
        const vec y = byte_value(t, sum[p][b], width, o);
        if (VEC_HALVED(width, o)) {
          vec_bytes_half((uint8_t*)t->y[p] + o, y, low, high, zero);
        } else {
          vec_bytes((uint8_t*)t->y[p] + o, y, low, high, zero);
        }
      }
    }
    return;
  }
  RT_UNROLL for (int p = 0; p < places; ++p) {
    RT_UNROLL for (int b = 0; b < vectors; ++b) {
      const vec y = byte_value(t, sum[p][b], width, b * VEC_LANES);
      store_at(t->y[p], t->relu ? vec_positive(y) : y, width, b * VEC_LANES);
    }
  }
}

#ifndef VEC_HALVES /* such a path takes another's loops */
VEC_INLINE void bytes_of_floats(rt_quantization quantization, const float* x, uint8_t* y, int64_t n) {
  const vec times = vec_set(1.0F / quantization.scale);
  const vec low = vec_set((float)-quantization.zero_point), high = vec_set((float)(255 - quantization.zero_point));
  const ivec zero = ivec_set(quantization.zero_point);
  int64_t i = 0;
  for (; i + VEC_LANES <= n; i += VEC_LANES) vec_bytes(y + i, vec_mul(vec_load(x + i), times), low, high, zero);
  if (i < n) {
    float last[VEC_LANES] = {0};
    uint8_t made[VEC_LANES];
    memcpy(last, x + i, (size_t)(n - i) * sizeof(float));
    vec_bytes(made, vec_mul(vec_load(last), times), low, high, zero);
    memcpy(y + i, made, (size_t)(n - i));
  }
}

/* The largest of h x w bytes. */
VEC_INLINE uint8_t most_of(const uint8_t* x, int64_t h, int64_t w, int64_t pitch, int64_t stride) {
  uint8_t most = 0;
  for (int64_t ky = 0; ky < h; ++ky) {
    for (int64_t kx = 0; kx < w; ++kx) {
      const uint8_t other = x[ky * pitch + kx * stride];
      most = most > other ? most : other;
    }
  }
  return most;
}

VEC_INLINE void pool_bytes(const rt_step* s, const rt_byte_view* x, const rt_byte_view* y, int64_t begin, int64_t end) {
  const int64_t c = x->stride < y->stride ? x->stride : y->stride;
  for (int64_t oy = begin; oy < end; ++oy) {
    const int64_t top = oy * s->stride.h - s->pad.h;
    const rt_clip rows = rt_clip_window(top, s->kernel.h, 1, x->h);
    for (int64_t ox = 0; ox < y->w; ++ox) {
      uint8_t* out = y->at + oy * y->pitch + ox * y->stride;
      const int64_t left = ox * s->stride.w - s->pad.w;
      const rt_clip columns = rt_clip_window(left, s->kernel.w, 1, x->w);
      const uint8_t* in = x->at + (top + rows.begin) * x->pitch + (left + columns.begin) * x->stride;
      const int64_t h = rows.end - rows.begin, w = columns.end - columns.begin;
      int64_t i = 0;
      for (; i + 8 <= c; i += 8) {
        eight most = eight_load(in + i);
        for (int64_t ky = 0; ky < h; ++ky) {
          for (int64_t kx = 0; kx < w; ++kx)
            most = eight_most(most, eight_load(in + i + ky * x->pitch + kx * x->stride));
        }
        eight_store(out + i, most);
      }
      for (; i < c; ++i) out[i] = most_of(in + i, h, w, x->pitch, x->stride);
    }
  }
}

#endif

#define RT_BYTE_TILE(t, width) byte_tile(t, width, VEC_BYTES##width)

#endif
