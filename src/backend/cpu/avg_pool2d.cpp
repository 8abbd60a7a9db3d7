#include <vector>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/pool_windows.h"
#include "core/trace.h"

namespace scnn::cpu {

void CpuBackend::avg_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y) {
  const TraceScope range("kernel", "avg_pool2d_forward");
  constexpr const char* op = "avg_pool2d_forward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "x", x, checks::input_shape(shape));
  checks::has_shape(op, "y", y, checks::output_shape(shape));
  const float* in = x.data<float>();
  float* out = y.data<float>();
  const std::vector<Covered> rows = covered_inputs(shape.in_h, shape.out_h, vertical(shape.window));
  const std::vector<Covered> columns = covered_inputs(shape.in_w, shape.out_w, horizontal(shape.window));
  const std::int64_t channels = shape.channels;

  workers_.each(shape.batch * shape.out_h, x.size(), [&](std::int64_t line) {
    const Covered& down = rows[static_cast<std::size_t>(line % shape.out_h)];
    const float* image = in + line / shape.out_h * shape.in_h * shape.in_w * channels;
    for (std::int64_t ow = 0; ow < shape.out_w; ++ow) {
      const Covered& across = columns[static_cast<std::size_t>(ow)];
      float* __restrict to = out + (line * shape.out_w + ow) * channels;
      std::fill_n(to, channels, 0.0F);
      for (const Tap& r : down) {
        for (const Tap& q : across) {
          const float* __restrict from = image + (r.index * shape.in_w + q.index) * channels;
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c) to[c] += from[c];
        }
      }
      const float share = 1.0F / static_cast<float>(down.size() * across.size());
      for (std::int64_t c = 0; c < channels; ++c) to[c] *= share;
    }
  });
}

void CpuBackend::avg_pool2d_backward(const Pool2d& shape, const Tensor& dy, Tensor& dx) {
  const TraceScope range("kernel", "avg_pool2d_backward");
  constexpr const char* op = "avg_pool2d_backward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "dx", dx, checks::input_shape(shape));
  const float* grad = dy.data<float>();
  float* out = dx.data<float>();
  const std::vector<Covered> down = covered_inputs(shape.in_h, shape.out_h, vertical(shape.window));
  const std::vector<Covered> across = covered_inputs(shape.in_w, shape.out_w, horizontal(shape.window));
  const std::vector<Covered> rows = covering_outputs(shape.in_h, shape.out_h, vertical(shape.window));
  const std::vector<Covered> columns = covering_outputs(shape.in_w, shape.out_w, horizontal(shape.window));
  const std::int64_t channels = shape.channels;

  workers_.each(shape.batch * shape.in_h, dx.size(), [&](std::int64_t line) {
    const std::int64_t image = line / shape.in_h * shape.out_h * shape.out_w * channels;
    for (std::int64_t iw = 0; iw < shape.in_w; ++iw) {
      float* __restrict to = out + (line * shape.in_w + iw) * channels;
      std::fill_n(to, channels, 0.0F);
      for (const Tap& r : rows[static_cast<std::size_t>(line % shape.in_h)]) {
        for (const Tap& q : columns[static_cast<std::size_t>(iw)]) {
          const float* __restrict g = grad + image + (r.index * shape.out_w + q.index) * channels;
          const float share = 1.0F / static_cast<float>(down[static_cast<std::size_t>(r.index)].size() *
                                                        across[static_cast<std::size_t>(q.index)].size());
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c) to[c] += share * g[c];
        }
      }
    }
  });
}

}  // namespace scnn::cpu
