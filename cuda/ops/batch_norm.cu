#include "backend/checks.h"
#include "cuda/ops/batch_norm.h"
#include "cuda/runtime/cuda_backend.h"

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

template <bool relu>
struct Normalize {
  std::int64_t channels;
  const float* x;
  Normal normal;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] = activate<relu>(normal(x[i], i % channels)); }
};

template <bool relu>
struct GradientTerms {
  const float *x, *mean;
  Masked<relu> gradient;
  __device__ float2 operator()(std::int64_t at, std::int64_t channel) const {
    const float g = gradient(at);
    return make_float2(g, g * (x[at] - mean[channel]));
  }
};

template <bool relu>
struct Gradient {
  const float* x;
  Masked<relu> gradient;
  NormGradient through;
  float* dx;
  __device__ void operator()(std::int64_t i) const { dx[i] = through(gradient(i), x[i], i % through.channels); }
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

void CudaBackend::batch_norm_forward(const Tensor& x, const BatchNorm& norm, Tensor& y) {
  constexpr const char* op = "batch_norm_forward";
  checks::same_shape(op, x, y);
  checks::normalization(op, norm, channels_of(x));
  const auto run = [&]<bool relu>() {
    const Normal normal{in(op, *norm.scale), in(op, *norm.shift), optional(op, norm.mean), optional(op, norm.inv_std)};
    each(*stream_, op, x.size(), Normalize<relu>{channels_of(x), in(op, x), normal, out(op, y)});
  };
  norm.activation == Activation::relu ? run.operator()<true>() : run.operator()<false>();
}

void CudaBackend::batch_norm_backward(const Tensor& x, const Tensor& y, const Tensor& dy, const BatchNorm& norm,
                                      Tensor& dx, Tensor& dscale, Tensor& dshift) {
  constexpr const char* op = "batch_norm_backward";
  checks::same_shape(op, x, dy);
  checks::same_shape(op, x, dx);
  if (norm.activation == Activation::relu) checks::same_shape(op, x, y);
  const std::int64_t channels = channels_of(x);
  const std::int64_t rows = rows_of(x);
  checks::normalization_backward(op, norm, channels, dscale, dshift);
  if (channels == 0) return;
  if (rows == 0) {
    fill(dscale, 0);
    fill(dshift, 0);
    return;
  }

  const auto run = [&]<bool relu>() {
    const ColumnShape shape(rows, channels);
    const Scratch<double> partial(*stream_, shape.partials());
    const Scratch<float> coefficients(*stream_, 3 * channels);
    const float* mean = in(op, *norm.mean);
    const Masked<relu> gradient{relu ? in(op, y) : nullptr, in(op, dy)};
    column_sums(*stream_, op, shape, GradientTerms<relu>{in(op, x), mean, gradient}, partial.data());
    each(*stream_, op, channels,
         Coefficients{{partial.data(), channels, shape.slices},
                      rows,
                      channels,
                      in(op, *norm.scale),
                      in(op, *norm.inv_std),
                      out(op, dscale),
                      out(op, dshift),
                      coefficients.data()});
    const NormGradient through{channels, mean, coefficients.data()};
    each(*stream_, op, x.size(), Gradient<relu>{in(op, x), gradient, through, out(op, dx)});
  };
  norm.activation == Activation::relu ? run.operator()<true>() : run.operator()<false>();
}

}  // namespace scnn::cuda
