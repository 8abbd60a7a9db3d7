#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/update_rule.h"
#include "core/trace.h"

namespace scnn::cpu {

void CpuBackend::sgd(const SgdStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& velocity,
                     Tensor& value) {
  const TraceScope range("kernel", "sgd");
  checks::update("sgd", rule, gradient, value);
  checks::same_shape("sgd", velocity, value);
  const float* __restrict grad = gradient.data<float>();
  float* __restrict speed = velocity.data<float>();
  float* w = value.data<float>();
  const SgdStep s = step;
  const float look_ahead = s.nesterov ? s.momentum : 0.0F;
  update_with(
      workers_, rule, value, speed,
      [=](std::int64_t i) {
        const float g = s.gradient_scale * grad[i] + s.weight_decay * w[i];
        speed[i] = s.momentum * speed[i] + g;
        w[i] -= s.lr * (s.nesterov ? g + look_ahead * speed[i] : speed[i]);
      },
      [=](std::int64_t i) { speed[i] = 0.0F; });
}

}  // namespace scnn::cpu
