#include <algorithm>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/row_sums.h"
#include "core/trace.h"

namespace scnn::cpu {
namespace {

bool has_work(const Conv2d& s) { return s.batch > 0 && s.in_c > 0 && s.out_c > 0 && s.out_h > 0 && s.out_w > 0; }

}  // namespace

void CpuBackend::conv2d_forward(const Conv2d& shape, const Tensor& x, const WeightView& weights, const Tensor* bias,
                                Tensor& y) {
  const TraceScope range("kernel", "conv2d_forward");
  constexpr const char* op = "conv2d_forward";
  checks::conv2d_forward(op, shape, x, weights, bias, y);
  const float* b = bias != nullptr ? bias->data<float>() : nullptr;
  if (has_work(shape)) {
    if (Winograd::takes(shape)) {
      winograd_.forward(shape, x.data<float>(), effective(weights), b, y.data<float>());
    } else {
      convolutions_.forward(shape, x.data<float>(), effective(weights), b, y.data<float>());
    }
  } else if (y.size() > 0) {  // no input channels: the bias is all there is
    float* out = y.data<float>();
    for (std::int64_t i = 0; i < y.size(); ++i) out[i] = b != nullptr ? b[i % shape.out_c] : 0.0F;
  }
}

void CpuBackend::conv2d_backward_data(const Conv2d& shape, const Tensor& dy, const WeightView& weights, Tensor& dx) {
  const TraceScope range("kernel", "conv2d_backward_data");
  constexpr const char* op = "conv2d_backward_data";
  checks::conv2d(op, shape);
  checks::weights(op, weights);
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "weights", *weights.values, checks::weight_shape(shape));
  checks::has_shape(op, "dx", dx, checks::input_shape(shape));
  if (!has_work(shape)) {
    fill(dx, 0);
  } else if (Winograd::takes(shape)) {
    winograd_.backward_data(shape, dy.data<float>(), effective(weights), dx.data<float>());
  } else {
    convolutions_.backward_data(shape, dy.data<float>(), effective(weights), dx.data<float>());
  }
}

void CpuBackend::conv2d_backward_weights(const Conv2d& shape, const Tensor& x, const Tensor& dy, Tensor& dw,
                                         Tensor* dbias) {
  const TraceScope range("kernel", "conv2d_backward_weights");
  constexpr const char* op = "conv2d_backward_weights";
  checks::conv2d(op, shape);
  checks::has_shape(op, "x", x, checks::input_shape(shape));
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "dw", dw, checks::weight_shape(shape));
  if (dbias != nullptr) {
    checks::has_shape(op, "dbias", *dbias, Shape{shape.out_c});
    row_sums(workers_, dy.data<float>(), shape.batch * shape.out_h * shape.out_w, shape.out_c, dbias->data<float>());
  }
  if (!has_work(shape)) {
    fill(dw, 0);
  } else if (Winograd::takes(shape)) {
    winograd_.backward_weights(shape, x.data<float>(), dy.data<float>(), dw.data<float>());
  } else {
    convolutions_.backward_weights(shape, x.data<float>(), dy.data<float>(), dw.data<float>());
  }
}

}  // namespace scnn::cpu
