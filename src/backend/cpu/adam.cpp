#include <cmath>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/update_rule.h"
#include "core/trace.h"

namespace scnn::cpu {

void CpuBackend::adam(const AdamStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& m, Tensor& v,
                      Tensor& value) {
  const TraceScope range("kernel", "adam");
  checks::update("adam", rule, gradient, value);
  checks::same_shape("adam", m, value);
  checks::same_shape("adam", v, value);
  const float* __restrict grad = gradient.data<float>();
  float* __restrict first = m.data<float>();
  float* __restrict second = v.data<float>();
  float* w = value.data<float>();
  const float coupled = step.decoupled ? 0.0F : step.weight_decay;
  const float shrink = step.decoupled ? 1.0F - step.lr.get() * step.weight_decay : 1.0F;
  const float rate = step.lr.get() / step.correction1.get();
  const float inv_root = 1.0F / std::sqrt(step.correction2.get());
  const AdamStep s = step;
  update_with(
      workers_, rule, value, first,
      [=](std::int64_t i) {
        const float g = s.gradient_scale * grad[i] + coupled * w[i];
        first[i] = s.beta1 * first[i] + (1.0F - s.beta1) * g;
        second[i] = s.beta2 * second[i] + (1.0F - s.beta2) * (g * g);
        w[i] = shrink * w[i] - rate * first[i] / (std::sqrt(second[i]) * inv_root + s.eps);
      },
      [=](std::int64_t i) { first[i] = second[i] = 0.0F; });
}

}  // namespace scnn::cpu
