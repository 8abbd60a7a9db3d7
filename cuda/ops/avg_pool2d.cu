#include "backend/checks.h"
#include "cuda/ops/pool_windows.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {
namespace {

struct AvgPool {
  PoolShape shape;
  const float* x;
  float* y;

  __device__ void operator()(std::int64_t i) const {
    const PoolShape::Element e = shape.output(i);
    float sum = 0;
    for (int r = 0; r < shape.h.kernel; ++r) {
      const int row = shape.h.input(e.row, r);
      if (!shape.h.has_input(row)) continue;
      for (int q = 0; q < shape.w.kernel; ++q) {
        const int column = shape.w.input(e.column, q);
        if (shape.w.has_input(column)) sum += x[shape.input_at(e, row, column)];
      }
    }
    y[i] = sum * (1.0F / static_cast<float>(shape.h.covered(e.row) * shape.w.covered(e.column)));
  }
};

struct AvgPoolGradient {
  PoolShape shape;
  const float* dy;
  float* dx;

  __device__ void operator()(std::int64_t i) const {
    const PoolShape::Element e = shape.input(i);
    float sum = 0;
    for (int r = shape.h.kernel - 1; r >= 0; --r) {
      const int row = shape.h.output(e.row, r);
      if (row < 0) continue;
      const int down = shape.h.covered(row);
      for (int q = shape.w.kernel - 1; q >= 0; --q) {
        const int column = shape.w.output(e.column, q);
        if (column < 0) continue;
        const float share = 1.0F / static_cast<float>(down * shape.w.covered(column));
        sum += share * dy[shape.output_at(e, row, column)];
      }
    }
    dx[i] = sum;
  }
};

}  // namespace

void CudaBackend::avg_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y) {
  constexpr const char* op = "avg_pool2d_forward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "x", x, checks::input_shape(shape));
  checks::has_shape(op, "y", y, checks::output_shape(shape));
  each(*stream_, op, y.size(), AvgPool{PoolShape(shape), in(op, x), out(op, y)});
}

void CudaBackend::avg_pool2d_backward(const Pool2d& shape, const Tensor& dy, Tensor& dx) {
  constexpr const char* op = "avg_pool2d_backward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "dx", dx, checks::input_shape(shape));
  each(*stream_, op, dx.size(), AvgPoolGradient{PoolShape(shape), in(op, dy), out(op, dx)});
}

}  // namespace scnn::cuda
