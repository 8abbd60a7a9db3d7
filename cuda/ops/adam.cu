#include "backend/checks.h"
#include "cuda/ops/adam_math.h"
#include "cuda/ops/update_rule.h"
#include "cuda/runtime/cuda_backend.h"

namespace scnn::cuda {
namespace {

struct Adam {
  AdamStep step;
  const float* gradient;
  float *first, *second;

  __device__ float operator()(std::int64_t i, float w) const {
    adam_element(adam_factors(step), gradient[i], first[i], second[i], w);
    return w;
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
  const Adam adam{step, in(op, gradient), out(op, m), out(op, v)};
  const std::int64_t rows = rule.bits != nullptr ? rule.bits->size() : 0;
  update(*stream_, op, rule, optional(op, rule.bits), optional(op, rule.pull), rows, value.size(), out(op, value),
         adam);
}

}  // namespace scnn::cuda
