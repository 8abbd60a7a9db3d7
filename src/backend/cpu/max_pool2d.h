#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backend/cpu/parallel.h"
#include "backend/cpu/pool_windows.h"

/// The loop of a max pool, over x or over what is made of x on the way.
namespace scnn::cpu {

/// Channels treated at a time: the running maximum stays in the first cache.
constexpr std::int64_t channel_block = 64;

/// NaN wins, and is not lost again.
inline bool beats(float v, float best) { return v > best || v != v; }

/// Pixels of one window and their places in it.
struct Places {
  std::vector<const float*> pixels;
  std::vector<std::int32_t> places;
};

/// What a pool makes of a pixel before it competes, a function of it and of three numbers a channel, and of the winner.
/// Plain pointers and static functions, as compilers do not see through a closure inside a vectorised loop.
struct AsItIs {
  const float *a = nullptr, *b = nullptr, *c = nullptr;

  [[nodiscard]] static AsItIs from(std::int64_t /*channel*/) { return {}; }
  static float value(float v, const float* /*a*/, const float* /*b*/, const float* /*c*/, std::int64_t /*channel*/) {
    return v;
  }
  static float finish(float y) { return y; }
};

/// Channels [offset, offset + n) of one window, n at most channel_block.
template <class Read>
void pool_window(const Places& window, std::int64_t offset, std::int64_t n, const Read& read, float* __restrict out,
                 std::int32_t* __restrict place) {
  const std::int32_t first = window.places[0];
  const float* __restrict p0 = window.pixels[0] + offset;
  const Read terms = read.from(offset);
  const float* __restrict ta = terms.a;
  const float* __restrict tb = terms.b;
  const float* __restrict tc = terms.c;
  if (window.pixels.size() == 4) {  // 2x2, the usual window: one pass
    const float* __restrict p1 = window.pixels[1] + offset;
    const float* __restrict p2 = window.pixels[2] + offset;
    const float* __restrict p3 = window.pixels[3] + offset;
    const std::int32_t second = window.places[1];
    const std::int32_t third = window.places[2];
    const std::int32_t fourth = window.places[3];
#pragma omp simd
    for (std::int64_t c = 0; c < n; ++c) {
      float best = Read::value(p0[c], ta, tb, tc, c);
      std::int32_t where = first;
      const float v1 = Read::value(p1[c], ta, tb, tc, c);
      const bool wins1 = beats(v1, best);
      best = wins1 ? v1 : best;
      where = wins1 ? second : where;
      const float v2 = Read::value(p2[c], ta, tb, tc, c);
      const bool wins2 = beats(v2, best);
      best = wins2 ? v2 : best;
      where = wins2 ? third : where;
      const float v3 = Read::value(p3[c], ta, tb, tc, c);
      const bool wins3 = beats(v3, best);
      best = wins3 ? v3 : best;
      where = wins3 ? fourth : where;
      out[c] = Read::finish(best);
      place[c] = where;
    }
    return;
  }
#pragma omp simd
  for (std::int64_t c = 0; c < n; ++c) {
    out[c] = Read::value(p0[c], ta, tb, tc, c);
    place[c] = first;
  }
  for (std::size_t k = 1; k < window.pixels.size(); ++k) {
    const float* __restrict from = window.pixels[k] + offset;
    const std::int32_t here = window.places[k];
#pragma omp simd
    for (std::int64_t c = 0; c < n; ++c) {
      const float v = Read::value(from[c], ta, tb, tc, c);
      const bool wins = beats(v, out[c]);
      out[c] = wins ? v : out[c];
      place[c] = wins ? here : place[c];
    }
  }
#pragma omp simd
  for (std::int64_t c = 0; c < n; ++c) out[c] = Read::finish(out[c]);
}

/// y and argmax of what `read` makes of x.
template <class Read>
void max_pool_forward(const Workers& workers, const Pool2d& shape, const float* x, const Read& read, float* y,
                      std::uint8_t* argmax) {
  const std::vector<Covered> rows = covered_inputs(shape.in_h, shape.out_h, vertical(shape.window));
  const std::vector<Covered> columns = covered_inputs(shape.in_w, shape.out_w, horizontal(shape.window));
  const std::int64_t channels = shape.channels;
  const std::int64_t work = shape.batch * shape.in_h * shape.in_w * channels;
  workers.each(shape.batch * shape.out_h, work, [&](std::int64_t line) {
    const Covered& down = rows[static_cast<std::size_t>(line % shape.out_h)];
    const float* image = x + line / shape.out_h * shape.in_h * shape.in_w * channels;
    Places window;
    std::int32_t place[channel_block];
    for (std::int64_t ow = 0; ow < shape.out_w; ++ow) {
      window.pixels.clear();
      window.places.clear();
      for (const Tap& r : down) {
        for (const Tap& q : columns[static_cast<std::size_t>(ow)]) {
          window.pixels.push_back(image + (r.index * shape.in_w + q.index) * channels);
          window.places.push_back(static_cast<std::int32_t>(shape.window.kernel_w * r.place + q.place));
        }
      }
      const std::int64_t target = (line * shape.out_w + ow) * channels;
      for (std::int64_t c = 0; c < channels; c += channel_block) {
        const std::int64_t n = std::min(channel_block, channels - c);
        pool_window(window, c, n, read, y + target + c, place);
        std::uint8_t* __restrict to = argmax + target + c;
        for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<std::uint8_t>(place[i]);
      }
    }
  });
}

}  // namespace scnn::cpu
