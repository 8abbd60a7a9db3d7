#pragma once

#include <cmath>

#include "cuda/runtime/gpu.h"
#include "scnn/backend/update.h"

namespace scnn::cuda {

/// What an Adam step is the same for every element.
struct AdamFactors {
  AdamStep step;
  float coupled, shrink, rate, inv_root;
};

GPU_HD AdamFactors adam_factors(const AdamStep& s) {
  return {s, s.decoupled ? 0.0F : s.weight_decay, s.decoupled ? 1.0F - s.lr.get() * s.weight_decay : 1.0F,
          s.lr.get() / s.correction1.get(), 1.0F / std::sqrt(s.correction2.get())};
}

/// One element: moments and value, as Backend::adam says.
GPU_HD void adam_element(const AdamFactors& f, float gradient, float& m, float& v, float& value) {
  const AdamStep& s = f.step;
  const float g = s.gradient_scale * gradient + f.coupled * value;
  m = s.beta1 * m + (1.0F - s.beta1) * g;
  v = s.beta2 * v + (1.0F - s.beta2) * (g * g);
  value = f.shrink * value - f.rate * m / (std::sqrt(v) * f.inv_root + s.eps);
}

/// Keeps a value within the rule's bounds; one that is held at either end loses its first moment.  NaN stays.
GPU_HD void clamp_element(float lower, float upper, float& m, float& value) {
  const float kept = value < lower ? lower : (value > upper ? upper : value);
  if (kept != value && value == value) m = 0.0F;
  value = kept;
}

}  // namespace scnn::cuda
