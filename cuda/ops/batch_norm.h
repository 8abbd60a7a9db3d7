#pragma once

#include "cuda/ops/column_sums.h"

/// What the kernels of batch norm share with those that do it on the way.
namespace scnn::cuda {

/// scale * inv_std * (x - mean) + shift, without mean and inv_std scale * x + shift.
struct Normal {
  const float *scale, *shift, *mean, *inv_std;

  __device__ float operator()(float x, std::int64_t c) const {
    return mean == nullptr ? scale[c] * x + shift[c] : scale[c] * inv_std[c] * (x - mean[c]) + shift[c];
  }
};

/// NaN stays NaN.
template <bool relu>
__device__ __forceinline__ float activate(float v) {
  return relu && 0.0F > v ? 0.0F : v;
}

/// The gradient in front of the activation; y and dy behind it.
template <bool relu>
struct Masked {
  const float *y, *dy;
  __device__ float operator()(std::int64_t i) const { return !relu || y[i] > 0.0F ? dy[i] : 0.0F; }
};

/// dx = slope * (g - constant - (x - mean) * linear), [3, channels], from the sums of g and g * (x - mean) over `rows`
/// values a channel.
struct Coefficients {
  SliceSum sums;
  std::int64_t rows, channels;
  const float *scale, *inv_std;
  float *dscale, *dshift, *coefficients;

  __device__ void operator()(std::int64_t c) const {
    const auto n = static_cast<double>(rows);
    const auto inverse = static_cast<double>(inv_std[c]);
    const double g = sums.first(c);
    const double gx = sums.second(c);
    dshift[c] = static_cast<float>(g);
    dscale[c] = static_cast<float>(gx * inverse);
    coefficients[c] = scale[c] * inv_std[c];
    coefficients[channels + c] = static_cast<float>(g / n);
    coefficients[2 * channels + c] = static_cast<float>(gx * inverse * inverse / n);
  }
};

/// dx of one element from the gradient in front of the activation.
struct NormGradient {
  std::int64_t channels;
  const float *mean, *coefficients;  ///< [channels], [3, channels]
  __device__ float operator()(float g, float x, std::int64_t c) const {
    return coefficients[c] * (g - coefficients[channels + c] - (x - mean[c]) * coefficients[2 * channels + c]);
  }
};

}  // namespace scnn::cuda
