#include "backend/checks.h"
#include "cuda/cuda_backend.h"
#include "cuda/launch.h"
#include "cuda/pool_windows.h"

namespace scnn::cuda {
namespace {

struct MaxPool {
  PoolShape shape;
  const float* x;
  float* y;
  std::uint8_t* argmax;

  __device__ void operator()(std::int64_t i) const {
    const PoolShape::Element e = shape.output(i);
    float best = 0;
    int place = -1;
    for (int r = 0; r < shape.h.kernel; ++r) {
      const int row = shape.h.input(e.row, r);
      if (!shape.h.has_input(row)) continue;
      for (int q = 0; q < shape.w.kernel; ++q) {
        const int column = shape.w.input(e.column, q);
        if (!shape.w.has_input(column)) continue;
        const float v = x[shape.input_at(e, row, column)];
        // The first of equals; NaN wins, and is not lost again.
        if (place < 0 || v > best || v != v) {
          best = v;
          place = shape.w.kernel * r + q;
        }
      }
    }
    y[i] = best;
    argmax[i] = static_cast<std::uint8_t>(place);
  }
};

/// Each input asks the windows that cover it, so every dx is written once, whether windows overlap or not.
struct MaxPoolGradient {
  PoolShape shape;
  const float* dy;
  const std::uint8_t* argmax;
  float* dx;

  __device__ void operator()(std::int64_t i) const {
    const PoolShape::Element e = shape.input(i);
    float sum = 0;
    for (int r = shape.h.kernel - 1; r >= 0; --r) {
      const int row = shape.h.output(e.row, r);
      if (row < 0) continue;
      for (int q = shape.w.kernel - 1; q >= 0; --q) {
        const int column = shape.w.output(e.column, q);
        if (column < 0) continue;
        const std::int64_t window = shape.output_at(e, row, column);
        if (argmax[window] == shape.w.kernel * r + q) sum += dy[window];
      }
    }
    dx[i] = sum;
  }
};

}  // namespace

void CudaBackend::max_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y, Tensor& argmax) {
  constexpr const char* op = "max_pool2d_forward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "x", x, checks::input_shape(shape));
  checks::has_shape(op, "y", y, checks::output_shape(shape));
  checks::has_shape(op, "argmax", argmax, checks::output_shape(shape));
  if (shape.window.kernel_h * shape.window.kernel_w > 255) checks::fail(op, "a window of more than 255 places");
  each(*stream_, op, y.size(), MaxPool{PoolShape(shape), in(op, x), out(op, y), out<std::uint8_t>(op, argmax)});
}

void CudaBackend::max_pool2d_backward(const Pool2d& shape, const Tensor& dy, const Tensor& argmax, Tensor& dx) {
  constexpr const char* op = "max_pool2d_backward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "argmax", argmax, checks::output_shape(shape));
  checks::has_shape(op, "dx", dx, checks::input_shape(shape));
  each(*stream_, op, dx.size(),
       MaxPoolGradient{PoolShape(shape), in(op, dy), in<std::uint8_t>(op, argmax), out(op, dx)});
}

}  // namespace scnn::cuda
