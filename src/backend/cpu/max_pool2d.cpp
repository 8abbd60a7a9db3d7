#include "backend/cpu/max_pool2d.h"

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "scnn/core/range.h"

namespace scnn::cpu {
void CpuBackend::max_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y, Tensor& argmax) {
  const Range range("kernel", "max_pool2d_forward");
  checks::max_pool2d("max_pool2d_forward", shape, x, y, argmax);
  max_pool_forward(workers_, shape, x.data<float>(), AsItIs{}, y.data<float>(), argmax.data<std::uint8_t>());
}

void CpuBackend::max_pool2d_backward(const Pool2d& shape, const Tensor& dy, const Tensor& argmax, Tensor& dx) {
  const Range range("kernel", "max_pool2d_backward");
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
