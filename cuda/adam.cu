#include <cmath>

#include "backend/checks.h"
#include "cuda/cuda_backend.h"
#include "cuda/update_rule.h"

namespace scnn::cuda {
namespace {

struct Adam {
  AdamStep s;
  float coupled, shrink, rate, inv_root;
  const float* gradient;
  float *first, *second;

  __device__ float operator()(std::int64_t i, float w) const {
    const float g = s.gradient_scale * gradient[i] + coupled * w;
    const float m = s.beta1 * first[i] + (1.0F - s.beta1) * g;
    const float v = s.beta2 * second[i] + (1.0F - s.beta2) * (g * g);
    first[i] = m;
    second[i] = v;
    return shrink * w - rate * m / (sqrtf(v) * inv_root + s.eps);
  }
  __device__ void stop(std::int64_t i) const { first[i] = 0.0F; }
  __device__ void forget(std::int64_t i) const { first[i] = second[i] = 0.0F; }
};

}  // namespace

void CudaBackend::adam(const AdamStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& m, Tensor& v,
                       Tensor& value) {
  constexpr const char* op = "adam";
  checks::update(op, rule, gradient, value);
  checks::same_shape(op, m, value);
  checks::same_shape(op, v, value);
  const Adam adam{step,
                  step.decoupled ? 0.0F : step.weight_decay,
                  step.decoupled ? 1.0F - step.lr * step.weight_decay : 1.0F,
                  step.lr / step.correction1,
                  1.0F / std::sqrt(step.correction2),
                  in(op, gradient),
                  out(op, m),
                  out(op, v)};
  const std::int64_t rows = rule.bits != nullptr ? rule.bits->size() : 0;
  update(*stream_, op, rule, optional(op, rule.bits), optional(op, rule.pull), rows, value.size(), out(op, value),
         adam);
}

}  // namespace scnn::cuda
