#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "backend/cpu/parallel.h"
#include "scnn/backend/update.h"

namespace scnn::cpu {

/// Applies an optimizer's `step(i)` (moments and value of element i) under a rule.  `first_moment` loses the entries
/// whose value was clamped; `forget(i)` clears all moments of an element that is pulled to 0.
template <class Step, class Forget>
void update_with(const Workers& workers, const UpdateRule& rule, Tensor& value, float* first_moment, const Step& step,
                 const Forget& forget) {
  if (value.size() == 0) return;
  float* w = value.data<float>();
  const float* pull = rule.pull != nullptr ? rule.pull->data<float>() : nullptr;
  const float* bits = rule.bits != nullptr ? rule.bits->data<float>() : nullptr;
  const std::int64_t row = bits != nullptr ? value.size() / value.shape()[0] : value.size();
  const float lower = rule.lower;
  const float upper = rule.upper;
  const auto clamp = [=](std::int64_t i) {
    const float kept = w[i] < lower ? lower : (w[i] > upper ? upper : w[i]);
    first_moment[i] = kept == w[i] || w[i] != w[i] ? first_moment[i] : 0.0F;
    w[i] = kept;
  };
  const bool clamped =
      lower > -std::numeric_limits<float>::infinity() || upper < std::numeric_limits<float>::infinity();
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    if (pull == nullptr && !clamped) {
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i) step(i);
      return;
    }
    for (std::int64_t i = begin; i < end; ++i) {
      if (pull != nullptr && pull[i] > 0.0F) {
        forget(i);
        w[i] = std::copysign(std::max(std::fabs(w[i]) - pull[i], 0.0F), w[i]);
        if (w[i] == 0.0F) w[i] = 0.0F;  // not -0
      } else {
        step(i);
        clamp(i);
      }
    }
  };
  if (bits == nullptr) {
    workers.elements(value.size(), run);
    return;
  }
  workers.each(value.shape()[0], value.size(), [&](std::int64_t r) {
    if (bits[r] != 0.0F) {
      run(r * row, (r + 1) * row);
    } else if (pull != nullptr) {  // a dead channel only follows its pull
      for (std::int64_t i = r * row; i < (r + 1) * row; ++i) {
        if (pull[i] > 0.0F) run(i, i + 1);
      }
    }
  });
}

}  // namespace scnn::cpu
