#include <cmath>
#include <utility>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/row_sums.h"

namespace scnn::cpu {
namespace {

std::int64_t channels_of(const Tensor& x) { return x.shape()[-1]; }
std::int64_t rows_of(const Tensor& x) { return channels_of(x) == 0 ? 0 : x.size() / channels_of(x); }

/// The larger of v and 0; NaN stays NaN.
inline float rectify(float v) { return 0.0F > v ? 0.0F : v; }

/// body(offset, n): the elements from `offset` on are the first n places of a wide row, for all wide rows.
template <class Body>
void wide_rows(const Workers& workers, const FoldedRows& f, const Body& body) {
  workers.each(f.chunks(), f.rows * f.channels, [&](std::int64_t c) {
    const std::int64_t end = std::min(f.rows, (c + 1) * f.chunk) * f.channels;
    for (std::int64_t at = c * f.chunk * f.channels; at < end; at += f.width) body(at, std::min(f.width, end - at));
  });
}

/// y = act(scale * (x - centre) + shift)
template <bool relu>
void normalise(const Workers& workers, const FoldedRows& f, const float* __restrict x, const float* __restrict centre,
               const float* __restrict scale, const float* __restrict shift, float* __restrict y) {
  wide_rows(workers, f, [=](std::int64_t at, std::int64_t n) {
    const float* __restrict in = x + at;
    float* __restrict out = y + at;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const float v = scale[i] * (in[i] - centre[i]) + shift[i];
      out[i] = relu ? rectify(v) : v;
    }
  });
}

}  // namespace

void CpuBackend::batch_norm_statistics(const Tensor& x, const BatchStatistics& statistics) {
  const std::int64_t channels = channels_of(x);
  const std::int64_t rows = rows_of(x);
  checks::batch_statistics("batch_norm_statistics", statistics, channels);
  if (channels == 0 || rows == 0) return;

  const FoldedRows f(rows, channels);
  const float* in = x.data<float>();
  // Sums about the first row, not about 0: the variance then survives means far larger than it.
  const std::vector<float> pivots = f.repeated(in);
  const auto sums = row_sums(workers_, f, [in, pivot = pivots.data()](std::int64_t at, std::int64_t place) {
    const float d = in[at] - pivot[place];
    return std::pair{d, d * d};
  });

  const BatchStatistics& s = statistics;
  const float* hold = s.frozen != nullptr ? s.frozen->data<float>() : nullptr;
  const double n = static_cast<double>(rows);
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto k = static_cast<std::size_t>(c);
    const double offset = sums[0][k] / n;
    const double mu = static_cast<double>(in[c]) + offset;
    const double raw = sums[1][k] / n - offset * offset;
    const double var = raw < 0 ? 0 : raw;  // NaN stays NaN
    s.mean->data<float>()[c] = static_cast<float>(mu);
    s.inv_std->data<float>()[c] = static_cast<float>(1.0 / std::sqrt(var + static_cast<double>(s.eps)));
    if (hold != nullptr && hold[c] != 0.0F) continue;
    const double unbiased = rows > 1 ? var * n / (n - 1) : var;
    float& running_m = s.running_mean->data<float>()[c];
    float& running_v = s.running_var->data<float>()[c];
    running_m += s.momentum * (static_cast<float>(mu) - running_m);
    running_v += s.momentum * (static_cast<float>(unbiased) - running_v);
  }
}

void CpuBackend::batch_norm_forward(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& mean,
                                    const Tensor& inv_std, Activation activation, Tensor& y) {
  checks::batch_norm_forward("batch_norm_forward", x, scale, shift, mean, inv_std, y);
  if (x.size() == 0) return;
  const FoldedRows f(rows_of(x), channels_of(x));
  std::vector<float> slope(static_cast<std::size_t>(f.channels));
  for (std::size_t c = 0; c < slope.size(); ++c) slope[c] = scale.data<float>()[c] * inv_std.data<float>()[c];
  const auto centres = f.repeated(mean.data<float>());
  const auto slopes = f.repeated(slope.data());
  const auto shifts = f.repeated(shift.data<float>());
  const auto run = activation == Activation::relu ? normalise<true> : normalise<false>;
  run(workers_, f, x.data<float>(), centres.data(), slopes.data(), shifts.data(), y.data<float>());
}

void CpuBackend::batch_norm_backward(const Tensor& x, const Tensor& y, const Tensor& dy, const Tensor& scale,
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

  const FoldedRows f(rows, channels);
  const float* in = x.data<float>();
  const float* out = relu ? y.data<float>() : nullptr;
  const float* grad = dy.data<float>();
  const auto means = f.repeated(mean.data<float>());
  const float* mu = means.data();
  const auto sums = relu ? row_sums(workers_, f,
                                    [=](std::int64_t at, std::int64_t place) {
                                      const float all = grad[at];  // read before the test: the loop vectorises
                                      const float g = out[at] > 0.0F ? all : 0.0F;
                                      return std::pair{g, g * (in[at] - mu[place])};
                                    })
                         : row_sums(workers_, f, [=](std::int64_t at, std::int64_t place) {
                             return std::pair{grad[at], grad[at] * (in[at] - mu[place])};
                           });

  // dx = slope * (g - constant - (x - mean) * linear)
  std::vector<float> slope(static_cast<std::size_t>(channels));
  std::vector<float> constant(slope.size());
  std::vector<float> linear(slope.size());
  const double n = static_cast<double>(rows);
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto k = static_cast<std::size_t>(c);
    const double inverse = static_cast<double>(inv_std.data<float>()[c]);
    dshift.data<float>()[c] = static_cast<float>(sums[0][k]);
    dscale.data<float>()[c] = static_cast<float>(sums[1][k] * inverse);
    slope[k] = scale.data<float>()[c] * inv_std.data<float>()[c];
    constant[k] = static_cast<float>(sums[0][k] / n);
    linear[k] = static_cast<float>(sums[1][k] * inverse * inverse / n);
  }
  const auto slopes = f.repeated(slope.data());
  const auto constants = f.repeated(constant.data());
  const auto linears = f.repeated(linear.data());
  const float* __restrict a = slopes.data();
  const float* __restrict k1 = constants.data();
  const float* __restrict k2 = linears.data();
  float* result = dx.data<float>();
  if (relu) {
    wide_rows(workers_, f, [=](std::int64_t at, std::int64_t width) {
      float* __restrict to = result + at;
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) {
        const float all = grad[at + i];
        const float g = out[at + i] > 0.0F ? all : 0.0F;
        to[i] = a[i] * (g - k1[i] - (in[at + i] - mu[i]) * k2[i]);
      }
    });
  } else {
    wide_rows(workers_, f, [=](std::int64_t at, std::int64_t width) {
      float* __restrict to = result + at;
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) to[i] = a[i] * (grad[at + i] - k1[i] - (in[at + i] - mu[i]) * k2[i]);
    });
  }
}

void CpuBackend::affine(const Tensor& x, const Tensor& a, const Tensor& c, Activation activation, Tensor& y) {
  constexpr const char* op = "affine";
  checks::same_shape(op, x, y);
  const Shape per_channel{channels_of(x)};
  checks::has_shape(op, "a", a, per_channel);
  checks::has_shape(op, "c", c, per_channel);
  if (x.size() == 0) return;
  const FoldedRows f(rows_of(x), channels_of(x));
  const auto slopes = f.repeated(a.data<float>());
  const auto shifts = f.repeated(c.data<float>());
  const float* __restrict slope = slopes.data();
  const float* __restrict shift = shifts.data();
  const float* in = x.data<float>();
  float* result = y.data<float>();
  const bool relu = activation == Activation::relu;
  wide_rows(workers_, f, [=](std::int64_t at, std::int64_t width) {
    float* __restrict to = result + at;
    // clang-tidy 14 does not look into the loops behind a pragma.
    if (relu) {  // NOLINT(bugprone-branch-clone)
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) to[i] = rectify(slope[i] * in[at + i] + shift[i]);
    } else {
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) to[i] = slope[i] * in[at + i] + shift[i];
    }
  });
}

}  // namespace scnn::cpu
