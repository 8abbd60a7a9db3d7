#include "backend/checks.h"
#include "cuda/ops/update_rule.h"
#include "cuda/runtime/cuda_backend.h"

namespace scnn::cuda {
namespace {

struct Sgd {
  SgdStep s;
  const float* gradient;
  float* velocity;

  __device__ float operator()(std::int64_t i, float w) const {
    const float g = s.gradient_scale * gradient[i] + s.weight_decay * w;
    const float v = s.momentum * velocity[i] + g;
    velocity[i] = v;
    return w - s.lr * (s.nesterov ? g + s.momentum * v : v);
  }
  __device__ void stop(std::int64_t i) const { velocity[i] = 0.0F; }
  __device__ void forget(std::int64_t i) const { velocity[i] = 0.0F; }
};

}  // namespace

void CudaBackend::sgd(const SgdStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& velocity,
                      Tensor& value) {
  constexpr const char* op = "sgd";
  checks::update(op, rule, gradient, value);
  checks::same_shape(op, velocity, value);
  const Sgd sgd{step, in(op, gradient), out(op, velocity)};
  const std::int64_t rows = rule.bits != nullptr ? rule.bits->size() : 0;
  update(*stream_, op, rule, optional(op, rule.bits), optional(op, rule.pull), rows, value.size(), out(op, value), sgd);
}

}  // namespace scnn::cuda
