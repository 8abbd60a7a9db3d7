#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "backend/cpu/channel_vectors.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/pool_windows.h"

/// The loop of a max pool, over x or over what is made of x on the way.
namespace scnn::cpu {

/// NaN wins, and is not lost again.
inline bool beats(float v, float best) { return v > best || v != v; }
[[gnu::always_inline]] inline Ints beats(const Floats& v, const Floats& best) { return (v > best) | (v != v); }

/// What a pool makes of a pixel before it competes, and of the winner; T is float or Floats, c the channel.
struct AsItIs {
  template <class T>
  [[gnu::always_inline]] T value(const T& v, std::int64_t /*c*/) const {
    return v;
  }
  template <class T>
  [[gnu::always_inline]] T finish(const T& y) const {
    return y;
  }
};

/// The pixels that one window covers and their places in it; at most 256 by the type of argmax.
struct PoolWindow {
  std::int64_t pixels = 0;
  std::array<const float*, 256> at;
  std::array<std::int32_t, 256> place;
};

/// y and argmax of one window; `taps`: its pixels, 0 where it alone tells.
template <int taps, class Read>
void pool_window(const PoolWindow& window, std::int64_t channels, const Read& read, float* y, std::uint8_t* argmax) {
  const std::int64_t pixels = taps > 0 ? taps : window.pixels;
  if (channels < vector_channels) {
    for (std::int64_t c = 0; c < channels; ++c) {
      float best = read.value(window.at[0][c], c);
      std::int32_t where = window.place[0];
      for (std::int64_t k = 1; k < pixels; ++k) {
        const float v = read.value(window.at[k][c], c);
        if (!beats(v, best)) continue;
        best = v;
        where = window.place[k];
      }
      y[c] = read.finish(best);
      argmax[c] = static_cast<std::uint8_t>(where);
    }
    return;
  }
  each_vector(channels, [&](std::int64_t c, std::int64_t) {
    Floats best = read.value(load(window.at[0] + c), c);
    Ints where = Ints{} + window.place[0];
    for (std::int64_t k = 1; k < pixels; ++k) {
      const Floats v = read.value(load(window.at[k] + c), c);
      const Ints wins = beats(v, best);
      best = wins ? v : best;
      where = wins ? Ints{} + window.place[k] : where;
    }
    store(y + c, read.finish(best));
    store(argmax + c, where);
  });
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
    PoolWindow window;
    for (std::int64_t ow = 0; ow < shape.out_w; ++ow) {
      window.pixels = 0;
      for (const Tap& r : down) {
        for (const Tap& q : columns[static_cast<std::size_t>(ow)]) {
          const auto k = static_cast<std::size_t>(window.pixels++);
          window.at[k] = image + (r.index * shape.in_w + q.index) * channels;
          window.place[k] = static_cast<std::int32_t>(shape.window.kernel_w * r.place + q.place);
        }
      }
      const std::int64_t target = (line * shape.out_w + ow) * channels;
      const auto pool = window.pixels == 4 ? pool_window<4, Read> : pool_window<0, Read>;
      pool(window, channels, read, y + target, argmax + target);
    }
  });
}

}  // namespace scnn::cpu
