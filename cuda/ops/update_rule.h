#pragma once

#include "cuda/runtime/launch.h"
#include "scnn/backend/update.h"

namespace scnn::cuda {

/// An optimizer's step under a rule: step(i, w) returns the new value and moves the moments, step.forget(i) clears all
/// moments, step.stop(i) the first alone.
template <class Step>
struct Update {
  Step step;
  float lower, upper;
  const float *bits, *pull;
  std::int64_t row;  ///< elements of one entry of bits
  float* value;

  __device__ void operator()(std::int64_t i) const {
    const float w = value[i];
    if (pull != nullptr && pull[i] > 0.0F) {
      step.forget(i);
      const float left = fabsf(w) - pull[i];
      value[i] = left > 0.0F ? copysignf(left, w) : 0.0F;  // not -0
      return;
    }
    if (bits != nullptr && bits[i / row] == 0.0F) return;  // a dead channel only follows its pull
    const float moved = step(i, w);
    const float kept = moved < lower ? lower : (moved > upper ? upper : moved);
    if (kept != moved && moved == moved) step.stop(i);
    value[i] = kept;
  }
};

template <class Step>
void update(Stream& stream, const char* op, const UpdateRule& rule, const float* bits, const float* pull,
            std::int64_t rows, std::int64_t n, float* value, Step step) {
  const std::int64_t row = rows > 0 ? n / rows : 1;
  each(stream, op, n, Update<Step>{step, rule.lower, rule.upper, bits, pull, row > 0 ? row : 1, value});
}

}  // namespace scnn::cuda
