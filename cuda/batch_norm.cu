#include "backend/checks.h"
#include "cuda/column_sums.h"
#include "cuda/cuda_backend.h"

namespace scnn::cuda {
namespace {

std::int64_t channels_of(const Tensor& x) { return x.shape()[-1]; }
std::int64_t rows_of(const Tensor& x) { return channels_of(x) == 0 ? 0 : x.size() / channels_of(x); }

/// Sums about the first row, not about 0: the variance then survives means far larger than it.
struct Spread {
  const float* x;
  __device__ float2 operator()(std::int64_t at, std::int64_t channel) const {
    const float d = x[at] - x[channel];
    return make_float2(d, d * d);
  }
};

/// Where statistics of `rows` values a channel go.
struct StoreStatistics {
  std::int64_t rows;
  const float* frozen;
  float eps, momentum;
  float *running_mean, *running_var, *mean, *inv_std;

  /// `var` is biased.
  __device__ void store(std::int64_t c, double mu, double var) const {
    const auto n = static_cast<double>(rows);
    mean[c] = static_cast<float>(mu);
    inv_std[c] = static_cast<float>(1.0 / sqrt(var + static_cast<double>(eps)));
    if (frozen != nullptr && frozen[c] != 0.0F) return;
    const double unbiased = rows > 1 ? var * n / (n - 1) : var;
    running_mean[c] += momentum * (static_cast<float>(mu) - running_mean[c]);
    running_var[c] += momentum * (static_cast<float>(unbiased) - running_var[c]);
  }
};

struct Statistics {
  SliceSum sums;
  const float* x;
  StoreStatistics to;

  __device__ void operator()(std::int64_t c) const {
    const auto n = static_cast<double>(to.rows);
    const double offset = sums.first(c) / n;
    const double raw = sums.second(c) / n - offset * offset;
    to.store(c, static_cast<double>(x[c]) + offset, raw < 0 ? 0 : raw);  // NaN stays NaN
  }
};

struct MeasuredStatistics {
  const float *mean, *variance;
  StoreStatistics to;

  __device__ void operator()(std::int64_t c) const {
    to.store(c, static_cast<double>(mean[c]), static_cast<double>(variance[c]));
  }
};

/// The larger of v and 0; NaN stays NaN.
template <bool relu>
__device__ __forceinline__ float activate(float v) {
  return relu && 0.0F > v ? 0.0F : v;
}

template <bool relu>
struct Normalise {
  std::int64_t channels;
  const float *x, *scale, *shift, *mean, *inv_std;
  float* y;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t c = i % channels;
    y[i] = activate<relu>(scale[c] * inv_std[c] * (x[i] - mean[c]) + shift[c]);
  }
};

/// The gradient in front of the activation.
template <bool relu>
__device__ __forceinline__ float masked(const float* y, const float* dy, std::int64_t i) {
  return !relu || y[i] > 0.0F ? dy[i] : 0.0F;
}

template <bool relu>
struct GradientTerms {
  const float *x, *y, *dy, *mean;
  __device__ float2 operator()(std::int64_t at, std::int64_t channel) const {
    const float g = masked<relu>(y, dy, at);
    return make_float2(g, g * (x[at] - mean[channel]));
  }
};

/// dx = slope * (g - constant - (x - mean) * linear)
struct Coefficients {
  SliceSum sums;
  std::int64_t rows, channels;
  const float *scale, *inv_std;
  float *dscale, *dshift, *coefficients;  ///< [3, channels]

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

template <bool relu>
struct Gradient {
  std::int64_t channels;
  const float *x, *y, *dy, *mean, *coefficients;
  float* dx;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t c = i % channels;
    const float g = masked<relu>(y, dy, i);
    dx[i] = coefficients[c] * (g - coefficients[channels + c] - (x[i] - mean[c]) * coefficients[2 * channels + c]);
  }
};

template <bool relu>
struct Affine {
  std::int64_t channels;
  const float *x, *a, *shift;
  float* y;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t c = i % channels;
    y[i] = activate<relu>(a[c] * x[i] + shift[c]);
  }
};

struct StoreSum {
  SliceSum sums;
  float* out;
  __device__ void operator()(std::int64_t c) const { out[c] = static_cast<float>(sums.first(c)); }
};

struct Value {
  const float* x;
  __device__ float2 operator()(std::int64_t at, std::int64_t /*channel*/) const { return make_float2(x[at], 0); }
};

}  // namespace

void CudaBackend::channel_sums(const char* op, const Tensor& dy, Tensor& sums) {
  const std::int64_t channels = channels_of(dy);
  if (channels == 0) return;
  const ColumnShape shape(rows_of(dy), channels);
  const Scratch<double> partial(*stream_, shape.partials());
  if (shape.slices > 0) column_sums(*stream_, op, shape, Value{in(op, dy)}, partial.data());
  each(*stream_, op, channels, StoreSum{{partial.data(), channels, shape.slices}, out(op, sums)});
}

void CudaBackend::batch_norm_statistics(const Tensor& x, const BatchStatistics& statistics) {
  constexpr const char* op = "batch_norm_statistics";
  const std::int64_t channels = channels_of(x);
  const std::int64_t rows = rows_of(x);
  checks::batch_statistics(op, statistics, channels);
  if (channels == 0 || rows == 0) return;
  const ColumnShape shape(rows, channels);
  const Scratch<double> partial(*stream_, shape.partials());
  column_sums(*stream_, op, shape, Spread{in(op, x)}, partial.data());
  each(*stream_, op, channels,
       Statistics{{partial.data(), channels, shape.slices},
                  in(op, x),
                  {rows, optional(op, statistics.frozen), statistics.eps, statistics.momentum,
                   out(op, *statistics.running_mean), out(op, *statistics.running_var), out(op, *statistics.mean),
                   out(op, *statistics.inv_std)}});
}

void CudaBackend::store_statistics(const char* op, std::int64_t rows, const float* mean, const float* variance,
                                   const BatchStatistics& statistics) {
  each(*stream_, op, statistics.mean->size(),
       MeasuredStatistics{mean,
                          variance,
                          {rows, optional(op, statistics.frozen), statistics.eps, statistics.momentum,
                           out(op, *statistics.running_mean), out(op, *statistics.running_var),
                           out(op, *statistics.mean), out(op, *statistics.inv_std)}});
}

void CudaBackend::batch_norm_forward(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& mean,
                                     const Tensor& inv_std, Activation activation, Tensor& y) {
  constexpr const char* op = "batch_norm_forward";
  checks::batch_norm_forward(op, x, scale, shift, mean, inv_std, y);
  const std::int64_t channels = channels_of(x);
  const auto run = [&](auto normalise) { each(*stream_, op, x.size(), normalise); };
  if (activation == Activation::relu) {
    run(Normalise<true>{channels, in(op, x), in(op, scale), in(op, shift), in(op, mean), in(op, inv_std), out(op, y)});
  } else {
    run(Normalise<false>{channels, in(op, x), in(op, scale), in(op, shift), in(op, mean), in(op, inv_std), out(op, y)});
  }
}

void CudaBackend::batch_norm_backward(const Tensor& x, const Tensor& y, const Tensor& dy, const Tensor& scale,
                                      const Tensor& mean, const Tensor& inv_std, Activation activation, Tensor& dx,
                                      Tensor& dscale, Tensor& dshift) {
  constexpr const char* op = "batch_norm_backward";
  const bool relu = activation == Activation::relu;
  checks::same_shape(op, x, dy);
  checks::same_shape(op, x, dx);
  if (relu) checks::same_shape(op, x, y);
  const std::int64_t channels = channels_of(x);
  const std::int64_t rows = rows_of(x);
  const Shape per_channel{channels};
  checks::has_shape(op, "scale", scale, per_channel);
  checks::has_shape(op, "mean", mean, per_channel);
  checks::has_shape(op, "inv_std", inv_std, per_channel);
  checks::has_shape(op, "dscale", dscale, per_channel);
  checks::has_shape(op, "dshift", dshift, per_channel);
  if (channels == 0) return;
  if (rows == 0) {
    fill(dscale, 0);
    fill(dshift, 0);
    return;
  }

  const ColumnShape shape(rows, channels);
  const Scratch<double> partial(*stream_, shape.partials());
  const Scratch<float> coefficients(*stream_, 3 * channels);
  const float* active = relu ? in(op, y) : nullptr;
  if (relu) {
    column_sums(*stream_, op, shape, GradientTerms<true>{in(op, x), active, in(op, dy), in(op, mean)}, partial.data());
  } else {
    column_sums(*stream_, op, shape, GradientTerms<false>{in(op, x), active, in(op, dy), in(op, mean)}, partial.data());
  }
  each(*stream_, op, channels,
       Coefficients{{partial.data(), channels, shape.slices},
                    rows,
                    channels,
                    in(op, scale),
                    in(op, inv_std),
                    out(op, dscale),
                    out(op, dshift),
                    coefficients.data()});
  const auto run = [&](auto gradient) { each(*stream_, op, x.size(), gradient); };
  if (relu) {
    run(Gradient<true>{channels, in(op, x), active, in(op, dy), in(op, mean), coefficients.data(), out(op, dx)});
  } else {
    run(Gradient<false>{channels, in(op, x), active, in(op, dy), in(op, mean), coefficients.data(), out(op, dx)});
  }
}

void CudaBackend::affine(const Tensor& x, const Tensor& a, const Tensor& c, Activation activation, Tensor& y) {
  constexpr const char* op = "affine";
  checks::same_shape(op, x, y);
  const Shape per_channel{channels_of(x)};
  checks::has_shape(op, "a", a, per_channel);
  checks::has_shape(op, "c", c, per_channel);
  if (activation == Activation::relu) {
    each(*stream_, op, x.size(), Affine<true>{channels_of(x), in(op, x), in(op, a), in(op, c), out(op, y)});
  } else {
    each(*stream_, op, x.size(), Affine<false>{channels_of(x), in(op, x), in(op, a), in(op, c), out(op, y)});
  }
}

}  // namespace scnn::cuda
