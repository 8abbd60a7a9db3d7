#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "core/trace.h"

namespace scnn::cpu {

void CpuBackend::scale(const Tensor& x, float alpha, Tensor& y) {
  const TraceScope range("kernel", "scale");
  checks::same_shape("scale", x, y);
  const float* in = x.data<float>();
  float* out = y.data<float>();
  workers_.elements(x.size(), [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = alpha * in[i];
  });
}

void CpuBackend::accumulate(const Tensor& x, float alpha, Tensor& y) {
  const TraceScope range("kernel", "accumulate");
  checks::same_shape("accumulate", x, y);
  const float* in = x.data<float>();
  float* out = y.data<float>();
  workers_.elements(x.size(), [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] += alpha * in[i];
  });
}

void CpuBackend::relu_forward(const Tensor& x, Tensor& y) {
  const TraceScope range("kernel", "relu_forward");
  checks::same_shape("relu_forward", x, y);
  const float* in = x.data<float>();
  float* out = y.data<float>();
  workers_.elements(x.size(), [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = 0.0F > in[i] ? 0.0F : in[i];  // NaN stays NaN
  });
}

void CpuBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const TraceScope range("kernel", "relu_backward");
  checks::same_shape("relu_backward", y, dy);
  checks::same_shape("relu_backward", y, dx);
  const float* active = y.data<float>();
  const float* grad = dy.data<float>();
  float* out = dx.data<float>();
  workers_.elements(y.size(), [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      const float g = grad[i];
      out[i] = active[i] > 0.0F ? g : 0.0F;
    }
  });
}

}  // namespace scnn::cpu
