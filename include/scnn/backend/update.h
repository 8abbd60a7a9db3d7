#pragma once

#include <limits>

#include "scnn/backend/scalar.h"
#include "scnn/core/tensor.h"

namespace scnn {

/// One step of Adam or AdamW for one parameter.
struct AdamStep {
  Scalar lr = 1e-3F;
  float beta1 = 0.9F, beta2 = 0.999F;
  float eps = 1e-8F;
  float weight_decay = 0;
  bool decoupled = false;     ///< AdamW
  Scalar correction1 = 1.0F;  ///< 1 - beta1^t
  Scalar correction2 = 1.0F;  ///< 1 - beta2^t
  float gradient_scale = 1;   ///< multiplies the gradient first (clipping)

  friend bool operator==(const AdamStep&, const AdamStep&) = default;
};

/// One step of stochastic gradient descent for one parameter.
struct SgdStep {
  float lr = 0.1F;
  float momentum = 0;
  bool nesterov = false;
  float weight_decay = 0;
  float gradient_scale = 1;
};

/// A parameter and its share of a fused step of Adam.
struct AdamParameter {
  Tensor* value = nullptr;
  Tensor* gradient = nullptr;         ///< shape of value
  Tensor *m = nullptr, *v = nullptr;  ///< moments, shape of value
  AdamStep step = {};
};

/// A quantized layer for Backend::quantize_backward_adam.  Weights [out, ...], bits and exponents [out].
struct QuantizedLayer {
  AdamParameter weights;  ///< its gradient is dL/dq
  AdamParameter bits;     ///< without moments: b is fixed
  AdamParameter exponents;
  float bits_lower = 0, bits_upper = std::numeric_limits<float>::infinity();
  const Tensor* size_slope = nullptr;  ///< [out] or null: dQ/db of the size loss, 0 for channels that learn nothing
  bool revive = false;                 ///< see Backend::quantize_backward
};

/// What else governs a parameter's update, whatever the optimizer.
struct UpdateRule {
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();  ///< a value clamped at either end loses its first moment

  /// [first axis] or null: a row whose entry is 0 is a dead channel and is left alone, moments included.
  const Tensor* bits = nullptr;

  /// Shape of the value, or null.  Where it is positive the element belongs to a dead channel: it gets no gradient,
  /// its moments become 0, and it moves towards 0 by this much and stays there (soft threshold).
  const Tensor* pull = nullptr;
};

}  // namespace scnn
