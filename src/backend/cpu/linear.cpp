#include <algorithm>

#include "backend/checks.h"
#include "backend/cpu/convolution.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/row_sums.h"
#include "core/trace.h"

namespace scnn::cpu {
namespace {

struct Extents {
  std::int64_t batch, in, out;
};

/// Checks x [batch, ...], w [out, ...], y [batch, out] against each other.
Extents extents_of(const char* op, const Tensor& x, const Tensor& w, const Tensor& y) {
  if (x.shape().rank() < 2 || w.shape().rank() < 2) checks::fail(op, "x and weights need at least two axes");
  const Extents e{x.shape()[0], Shape(x.shape().extents().subspan(1)).size(), w.shape()[0]};
  const std::int64_t columns = Shape(w.shape().extents().subspan(1)).size();
  if (columns != e.in) checks::fail(op, "weights " + w.shape().str() + " do not fit x " + x.shape().str());
  checks::has_shape(op, "y", y, Shape{e.batch, e.out});
  return e;
}

}  // namespace

void CpuBackend::linear_forward(const Tensor& x, const WeightView& weights, const Tensor* bias, Tensor& y) {
  const TraceScope range("kernel", "linear_forward");
  constexpr const char* op = "linear_forward";
  checks::weights(op, weights);
  const Extents e = extents_of(op, x, *weights.values, y);
  if (bias != nullptr) checks::has_shape(op, "bias", *bias, Shape{e.out});
  if (y.size() == 0) return;
  float* out = y.data<float>();
  for (std::int64_t row = 0; row < e.batch; ++row) {
    if (bias != nullptr) {
      std::copy_n(bias->data<float>(), e.out, out + row * e.out);
    } else {
      std::fill_n(out + row * e.out, e.out, 0.0F);
    }
  }
  if (e.in > 0)
    matrix_product(workers_, 'N', 'T', e.batch, e.out, e.in, x.data<float>(), effective(weights), 1.0F, out);
}

void CpuBackend::linear_backward_data(const Tensor& dy, const WeightView& weights, Tensor& dx) {
  const TraceScope range("kernel", "linear_backward_data");
  constexpr const char* op = "linear_backward_data";
  checks::weights(op, weights);
  const Extents e = extents_of(op, dx, *weights.values, dy);
  if (dx.size() == 0) return;
  if (e.out == 0) {
    fill(dx, 0);
  } else {
    matrix_product(workers_, 'N', 'N', e.batch, e.in, e.out, dy.data<float>(), effective(weights), 0.0F,
                   dx.data<float>());
  }
}

void CpuBackend::linear_backward_weights(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor* dbias) {
  const TraceScope range("kernel", "linear_backward_weights");
  constexpr const char* op = "linear_backward_weights";
  const Extents e = extents_of(op, x, dw, dy);
  if (dbias != nullptr) {
    checks::has_shape(op, "dbias", *dbias, Shape{e.out});
    row_sums(workers_, dy.data<float>(), e.batch, e.out, dbias->data<float>());
  }
  if (dw.size() == 0) return;
  if (e.batch == 0) {
    fill(dw, 0);
  } else {
    matrix_product(workers_, 'T', 'N', e.out, e.in, e.batch, dy.data<float>(), x.data<float>(), 0.0F, dw.data<float>());
  }
}

}  // namespace scnn::cpu
