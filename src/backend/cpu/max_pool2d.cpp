#include <algorithm>
#include <vector>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/pool_windows.h"

namespace scnn::cpu {
namespace {

/// Channels treated at a time: the running maximum stays in the first cache.
constexpr std::int64_t channel_block = 64;

/// The larger of the best so far and `v`; NaN wins, and is not lost again.
inline void compete(float v, std::int32_t here, float& best, std::int32_t& place) {
  const bool wins = v > best || v != v;
  best = wins ? v : best;
  place = wins ? here : place;
}

/// Pixels of one window and their places in it.
struct Places {
  std::vector<const float*> pixels;
  std::vector<std::int32_t> places;
};

/// Channels [0, n) of one window, n at most channel_block.
void pool_window(const Places& window, std::int64_t offset, std::int64_t n, float* __restrict out,
                 std::int32_t* __restrict place) {
  const std::int32_t first = window.places[0];
  const float* __restrict p0 = window.pixels[0] + offset;
  if (window.pixels.size() == 4) {  // 2x2, the usual window: one pass
    const float* __restrict p1 = window.pixels[1] + offset;
    const float* __restrict p2 = window.pixels[2] + offset;
    const float* __restrict p3 = window.pixels[3] + offset;
    const std::int32_t second = window.places[1];
    const std::int32_t third = window.places[2];
    const std::int32_t fourth = window.places[3];
#pragma omp simd
    for (std::int64_t c = 0; c < n; ++c) {
      float best = p0[c];
      std::int32_t where = first;
      compete(p1[c], second, best, where);
      compete(p2[c], third, best, where);
      compete(p3[c], fourth, best, where);
      out[c] = best;
      place[c] = where;
    }
    return;
  }
  std::copy_n(p0, n, out);
  std::fill_n(place, n, first);
  for (std::size_t k = 1; k < window.pixels.size(); ++k) {
    const float* __restrict from = window.pixels[k] + offset;
    const std::int32_t here = window.places[k];
#pragma omp simd
    for (std::int64_t c = 0; c < n; ++c) {
      float best = out[c];
      std::int32_t where = place[c];
      compete(from[c], here, best, where);
      out[c] = best;
      place[c] = where;
    }
  }
}

}  // namespace

void CpuBackend::max_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y, Tensor& argmax) {
  constexpr const char* op = "max_pool2d_forward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "x", x, checks::input_shape(shape));
  checks::has_shape(op, "y", y, checks::output_shape(shape));
  checks::has_shape(op, "argmax", argmax, checks::output_shape(shape));
  if (shape.window.kernel_h * shape.window.kernel_w > 255) checks::fail(op, "a window of more than 255 places");
  const float* in = x.data<float>();
  float* out = y.data<float>();
  std::uint8_t* winners = argmax.data<std::uint8_t>();
  const std::vector<Covered> rows = covered_inputs(shape.in_h, shape.out_h, vertical(shape.window));
  const std::vector<Covered> columns = covered_inputs(shape.in_w, shape.out_w, horizontal(shape.window));
  const std::int64_t channels = shape.channels;

  workers_.each(shape.batch * shape.out_h, x.size(), [&](std::int64_t line) {
    const Covered& down = rows[static_cast<std::size_t>(line % shape.out_h)];
    const float* image = in + line / shape.out_h * shape.in_h * shape.in_w * channels;
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
        pool_window(window, c, n, out + target + c, place);
        std::uint8_t* __restrict to = winners + target + c;
        for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<std::uint8_t>(place[i]);
      }
    }
  });
}

void CpuBackend::max_pool2d_backward(const Pool2d& shape, const Tensor& dy, const Tensor& argmax, Tensor& dx) {
  constexpr const char* op = "max_pool2d_backward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "argmax", argmax, checks::output_shape(shape));
  checks::has_shape(op, "dx", dx, checks::input_shape(shape));
  const float* grad = dy.data<float>();
  const std::uint8_t* places = argmax.data<std::uint8_t>();
  float* out = dx.data<float>();
  // Each input asks the windows that cover it: every dx is written once, whether windows overlap or not.
  const std::vector<Covered> rows = covering_outputs(shape.in_h, shape.out_h, vertical(shape.window));
  const std::vector<Covered> columns = covering_outputs(shape.in_w, shape.out_w, horizontal(shape.window));
  const std::int64_t channels = shape.channels;

  workers_.each(shape.batch * shape.in_h, dx.size(), [&](std::int64_t line) {
    const std::int64_t ih = line % shape.in_h;
    const std::int64_t image = line / shape.in_h * shape.out_h * shape.out_w * channels;
    for (std::int64_t iw = 0; iw < shape.in_w; ++iw) {
      float* __restrict to = out + (line * shape.in_w + iw) * channels;
      bool first = true;
      for (const Tap& r : rows[static_cast<std::size_t>(ih)]) {
        for (const Tap& q : columns[static_cast<std::size_t>(iw)]) {
          const std::int64_t source = image + (r.index * shape.out_w + q.index) * channels;
          const auto here = static_cast<std::uint8_t>(shape.window.kernel_w * r.place + q.place);
          const float* __restrict g = grad + source;
          const std::uint8_t* __restrict winner = places + source;
          if (first) {
#pragma omp simd
            for (std::int64_t c = 0; c < channels; ++c) {
              const float v = g[c];
              to[c] = winner[c] == here ? v : 0.0F;
            }
            first = false;
          } else {
#pragma omp simd
            for (std::int64_t c = 0; c < channels; ++c) {
              const float v = g[c];
              to[c] += winner[c] == here ? v : 0.0F;
            }
          }
        }
      }
      if (first) std::fill_n(to, channels, 0.0F);
    }
  });
}

}  // namespace scnn::cpu
