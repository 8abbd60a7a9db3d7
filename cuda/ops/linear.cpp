#include "backend/checks.h"
#include "cuda/runtime/cuda_backend.h"

namespace scnn::cuda {
namespace {

/// x [batch, ...], w [out, ...] and y [batch, out] as a 1x1 convolution of images of one pixel.
Conv2d product_of(const char* op, const Tensor& x, const Tensor& w, const Tensor& y) {
  if (x.shape().rank() < 2 || w.shape().rank() < 2) checks::fail(op, "x and weights need at least two axes");
  Conv2d s;
  s.batch = x.shape()[0];
  s.in_c = Shape(x.shape().extents().subspan(1)).size();
  s.out_c = w.shape()[0];
  if (Shape(w.shape().extents().subspan(1)).size() != s.in_c) {
    checks::fail(op, "weights " + w.shape().str() + " do not fit x " + x.shape().str());
  }
  checks::has_shape(op, "y", y, Shape{s.batch, s.out_c});
  return s;
}

bool has_work(const Conv2d& s) { return s.batch > 0 && s.in_c > 0 && s.out_c > 0; }

}  // namespace

void CudaBackend::linear_forward(const Tensor& x, const WeightView& weights, const Tensor* bias, Tensor& y) {
  constexpr const char* op = "linear_forward";
  checks::weights(op, weights);
  const Conv2d s = product_of(op, x, *weights.values, y);
  if (bias != nullptr) checks::has_shape(op, "bias", *bias, Shape{s.out_c});
  if (y.size() == 0) return;
  if (!has_work(s)) {
    bias != nullptr ? broadcast(op, *bias, y) : fill(y, 0);
    return;
  }
  convolve_forward(op, s, x, weights, bias, y);
}

void CudaBackend::linear_backward_data(const Tensor& dy, const WeightView& weights, Tensor& dx) {
  constexpr const char* op = "linear_backward_data";
  checks::weights(op, weights);
  const Conv2d s = product_of(op, dx, *weights.values, dy);
  if (!has_work(s)) return fill(dx, 0);
  convolve_backward_data(op, s, dy, weights, dx);
}

void CudaBackend::linear_backward_weights(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor* dbias) {
  constexpr const char* op = "linear_backward_weights";
  const Conv2d s = product_of(op, x, dw, dy);
  if (dbias != nullptr) {
    checks::has_shape(op, "dbias", *dbias, Shape{s.out_c});
    channel_sums(op, dy, *dbias);
  }
  if (!has_work(s)) return fill(dw, 0);
  convolve_backward_weights(op, s, x, dy, dw);
}

}  // namespace scnn::cuda
