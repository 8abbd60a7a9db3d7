#include "backend/checks.h"
#include "cuda/ops/max_pool2d.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {
namespace {

struct AsItIs {
  __device__ float operator()(float x, std::int64_t /*channel*/) const { return x; }
  static __device__ float finish(float y) { return y; }
};
struct GradientOf {
  const float* dy;
  __device__ float operator()(std::int64_t i) const { return dy[i]; }
};
struct Sum {
  __device__ float operator()(float sum, std::int64_t /*i*/, std::int64_t /*channel*/) const { return sum; }
};

}  // namespace

void CudaBackend::max_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y, Tensor& argmax) {
  constexpr const char* op = "max_pool2d_forward";
  checks::max_pool2d(op, shape, x, y, argmax);
  each(*stream_, op, y.size(),
       MaxPool<AsItIs>{PoolShape(shape), in(op, x), {}, out(op, y), out<std::uint8_t>(op, argmax)});
}

void CudaBackend::max_pool2d_backward(const Pool2d& shape, const Tensor& dy, const Tensor& argmax, Tensor& dx) {
  constexpr const char* op = "max_pool2d_backward";
  checks::pool2d(op, shape);
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "argmax", argmax, checks::output_shape(shape));
  checks::has_shape(op, "dx", dx, checks::input_shape(shape));
  each(*stream_, op, dx.size(),
       MaxPoolGradient<GradientOf, Sum>{PoolShape(shape), in<std::uint8_t>(op, argmax), {in(op, dy)}, {}, out(op, dx)});
}

}  // namespace scnn::cuda
