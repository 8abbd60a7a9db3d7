// Batch norm, relu and max pool in one pass: the image between them is neither written nor read.

#include "backend/checks.h"
#include "cuda/ops/batch_norm.h"
#include "cuda/ops/max_pool2d.h"
#include "cuda/runtime/cuda_backend.h"

namespace scnn::cuda {
namespace {

template <bool relu>
struct Activated : Normal {
  static __device__ float finish(float y) { return activate<relu>(y); }
};

/// A window's gradient belongs to the pixel that won it.
template <bool relu>
struct GradientTerms {
  PoolShape shape;
  const float *x, *mean;
  const std::uint8_t* argmax;
  Masked<relu> gradient;

  __device__ float2 operator()(std::int64_t at, std::int64_t channel) const {
    const PoolShape::Element e = shape.output(at);
    const int place = argmax[at];
    const int row = shape.h.input(e.row, place / shape.w.kernel);
    const int column = shape.w.input(e.column, place % shape.w.kernel);
    const float g = gradient(at);
    return make_float2(g, g * (x[shape.input_at(e, row, column)] - mean[channel]));
  }
};

struct Finish {
  const float* x;
  NormGradient through;
  __device__ float operator()(float g, std::int64_t i, std::int64_t channel) const { return through(g, x[i], channel); }
};

}  // namespace

void CudaBackend::batch_norm_max_pool_forward(const Pool2d& shape, const Tensor& x, const BatchNorm& norm, Tensor& y,
                                              Tensor& argmax) {
  constexpr const char* op = "batch_norm_max_pool_forward";
  checks::max_pool2d(op, shape, x, y, argmax);
  checks::normalization(op, norm, shape.channels);
  const auto run = [&]<bool relu>() {
    const Activated<relu> normal{
        {in(op, *norm.scale), in(op, *norm.shift), optional(op, norm.mean), optional(op, norm.inv_std)}};
    each(*stream_, op, y.size(),
         MaxPool<Activated<relu>>{PoolShape(shape), in(op, x), normal, out(op, y), out<std::uint8_t>(op, argmax)});
  };
  norm.activation == Activation::relu ? run.operator()<true>() : run.operator()<false>();
}

void CudaBackend::batch_norm_max_pool_backward(const Pool2d& shape, const Tensor& x, const Tensor& y,
                                               const Tensor& argmax, const Tensor& dy, const BatchNorm& norm,
                                               Tensor& dx, Tensor& dscale, Tensor& dshift) {
  constexpr const char* op = "batch_norm_max_pool_backward";
  checks::max_pool2d(op, shape, x, y, argmax);
  checks::same_shape(op, y, dy);
  checks::same_shape(op, x, dx);
  const std::int64_t channels = shape.channels;
  checks::normalization_backward(op, norm, channels, dscale, dshift);
  if (channels == 0) return;
  if (x.size() == 0) {
    fill(dscale, 0);
    fill(dshift, 0);
    return;
  }

  const auto run = [&]<bool relu>() {
    const ColumnShape columns(y.size() / channels, channels);
    const Scratch<double> partial(*stream_, columns.partials());
    const Scratch<float> coefficients(*stream_, 3 * channels);
    const float* mean = in(op, *norm.mean);
    const auto* winners = in<std::uint8_t>(op, argmax);
    const Masked<relu> gradient{relu ? in(op, y) : nullptr, in(op, dy)};
    column_sums(*stream_, op, columns, GradientTerms<relu>{PoolShape(shape), in(op, x), mean, winners, gradient},
                partial.data());
    each(*stream_, op, channels,
         Coefficients{{partial.data(), channels, columns.slices},
                      x.size() / channels,
                      channels,
                      in(op, *norm.scale),
                      in(op, *norm.inv_std),
                      out(op, dscale),
                      out(op, dshift),
                      coefficients.data()});
    const Finish finish{in(op, x), {channels, mean, coefficients.data()}};
    each(*stream_, op, x.size(),
         MaxPoolGradient<Masked<relu>, Finish>{PoolShape(shape), winners, gradient, finish, out(op, dx)});
  };
  norm.activation == Activation::relu ? run.operator()<true>() : run.operator()<false>();
}

}  // namespace scnn::cuda
