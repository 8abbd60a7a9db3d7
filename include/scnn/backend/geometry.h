#pragma once

#include <cstdint>

#include "scnn/core/tensor.h"

namespace scnn {

/// Extents of a window that slides over an image: shared by convolutions and pools.  Bottom and right padding are
/// whatever the output extents imply.
struct Window {
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_h = 0, pad_w = 0;  ///< zeros above and left of the image
  std::int64_t dilation_h = 1, dilation_w = 1;

  friend bool operator==(const Window&, const Window&) = default;
};

/// A 2-d convolution: x [batch, in_h, in_w, in_c], weights [out_c, kernel_h, kernel_w, in_c / groups],
/// y [batch, out_h, out_w, out_c].
struct Conv2d {
  std::int64_t batch = 1;
  std::int64_t in_h = 1, in_w = 1, in_c = 1;
  std::int64_t out_h = 1, out_w = 1, out_c = 1;
  Window window = {};
  std::int64_t groups = 1;

  friend bool operator==(const Conv2d&, const Conv2d&) = default;
};

/// A 2-d pool: x [batch, in_h, in_w, channels], y [batch, out_h, out_w, channels].  Padding never wins a maximum and
/// is not counted in an average.
struct Pool2d {
  std::int64_t batch = 1;
  std::int64_t in_h = 1, in_w = 1;
  std::int64_t out_h = 1, out_w = 1;
  std::int64_t channels = 1;
  Window window = {};

  friend bool operator==(const Pool2d&, const Pool2d&) = default;
};

/// Weights as a convolution or linear layer sees them: the stored values, or, with bits and exponents (one for each
/// output channel), q(values, bits, exponents) of core/number_format.h.  A backend may quantize on the way into its
/// kernel or before it; callers cannot tell.
struct WeightView {
  const Tensor* values = nullptr;     ///< [out, ...]
  const Tensor* bits = nullptr;       ///< [out] or null
  const Tensor* exponents = nullptr;  ///< [out], null exactly when bits is
};

enum class Activation { none, relu };

/// y = act(scale * inv_std * (x - mean) + shift), [channels] each: batch normalization, by a batch's statistics or a
/// trained network's.
struct BatchNorm {
  const Tensor* scale = nullptr;
  const Tensor* shift = nullptr;    ///< not read by backward ops
  const Tensor* mean = nullptr;     ///< null where it is 0 everywhere
  const Tensor* inv_std = nullptr;  ///< null exactly when mean is: 1 everywhere
  Activation activation = Activation::none;
};

/// Statistics of a batch norm over a training batch, [channels] each.
struct BatchStatistics {
  float eps = 1e-5F, momentum = 0.1F;
  const Tensor* frozen = nullptr;  ///< or null; where it is not 0, running statistics stay
  Tensor *running_mean = nullptr, *running_var = nullptr;
  Tensor *mean = nullptr, *inv_std = nullptr;  ///< of this batch; 1 / sqrt(var + eps), var biased
};

}  // namespace scnn
