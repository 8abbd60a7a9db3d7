#include "backend/cpu/max_pool2d.h"

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "core/trace.h"

namespace scnn::cpu {
namespace {

/// to = or += g where `here` won, for the channels of one pixel.
void hand_back(const float* g, const std::uint8_t* winner, std::uint8_t here, std::int64_t channels, bool first,
               float* to) {
  // A vector that overlaps the one before it would add twice.
  const std::int64_t whole =
      first && channels >= vector_channels ? channels : channels / vector_channels * vector_channels;
  if (whole > 0) {
    each_vector(whole, [&](std::int64_t c, std::int64_t) {
      const Floats mine = load(winner + c) == std::int32_t{here} ? load(g + c) : Floats{};
      store(to + c, first ? mine : load(to + c) + mine);
    });
  }
  for (std::int64_t c = whole; c < channels; ++c) {
    const float mine = winner[c] == here ? g[c] : 0.0F;
    to[c] = first ? mine : to[c] + mine;
  }
}

}  // namespace

void CpuBackend::max_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y, Tensor& argmax) {
  const TraceScope range("kernel", "max_pool2d_forward");
  checks::max_pool2d("max_pool2d_forward", shape, x, y, argmax);
  max_pool_forward(workers_, shape, x.data<float>(), AsItIs{}, y.data<float>(), argmax.data<std::uint8_t>());
}

void CpuBackend::max_pool2d_backward(const Pool2d& shape, const Tensor& dy, const Tensor& argmax, Tensor& dx) {
  const TraceScope range("kernel", "max_pool2d_backward");
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
      float* to = out + (line * shape.in_w + iw) * channels;
      bool first = true;
      for (const Tap& r : rows[static_cast<std::size_t>(ih)]) {
        for (const Tap& q : columns[static_cast<std::size_t>(iw)]) {
          const std::int64_t source = image + (r.index * shape.out_w + q.index) * channels;
          const auto here = static_cast<std::uint8_t>(shape.window.kernel_w * r.place + q.place);
          hand_back(grad + source, places + source, here, channels, first, to);
          first = false;
        }
      }
      if (first) std::fill_n(to, channels, 0.0F);
    }
  });
}

}  // namespace scnn::cpu
