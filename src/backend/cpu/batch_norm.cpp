#include "backend/cpu/batch_norm.h"

#include <cmath>
#include <utility>
#include <vector>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/row_sums.h"
#include "core/trace.h"

namespace scnn::cpu {
namespace {

std::int64_t channels_of(const Tensor& x) { return x.shape()[-1]; }
std::int64_t rows_of(const Tensor& x) { return channels_of(x) == 0 ? 0 : x.size() / channels_of(x); }

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
void normalize(const Workers& workers, const FoldedRows& f, const float* __restrict x, const float* __restrict centre,
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

NormTerms::NormTerms(const BatchNorm& norm, std::int64_t channels)
    : centre(static_cast<std::size_t>(channels), 0.0F),
      slope(norm.scale->data<float>(), norm.scale->data<float>() + channels),
      shift(norm.shift->data<float>(), norm.shift->data<float>() + channels) {
  if (norm.mean == nullptr) return;
  centre.assign(norm.mean->data<float>(), norm.mean->data<float>() + channels);
  for (std::size_t c = 0; c < slope.size(); ++c) slope[c] *= norm.inv_std->data<float>()[c];
}

NormGradient::NormGradient(const BatchNorm& norm, const std::array<std::vector<double>, 2>& sums, std::int64_t rows,
                           Tensor& dscale, Tensor& dshift)
    : slope(sums[0].size()), constant(sums[0].size()), linear(sums[0].size()) {
  const auto n = static_cast<double>(rows);
  for (std::size_t c = 0; c < slope.size(); ++c) {
    const float inverse = norm.inv_std->data<float>()[c];
    const double gx = sums[1][c] * static_cast<double>(inverse);
    dshift.data<float>()[c] = static_cast<float>(sums[0][c]);
    dscale.data<float>()[c] = static_cast<float>(gx);
    slope[c] = norm.scale->data<float>()[c] * inverse;
    constant[c] = static_cast<float>(sums[0][c] / n);
    linear[c] = static_cast<float>(gx * static_cast<double>(inverse) / n);
  }
}

void CpuBackend::batch_norm_statistics(const Tensor& x, const BatchStatistics& statistics) {
  const TraceScope range("kernel", "batch_norm_statistics");
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

void CpuBackend::batch_norm_forward(const Tensor& x, const BatchNorm& norm, Tensor& y) {
  const TraceScope range("kernel", "batch_norm_forward");
  constexpr const char* op = "batch_norm_forward";
  checks::same_shape(op, x, y);
  checks::normalization(op, norm, channels_of(x));
  if (x.size() == 0) return;
  const FoldedRows f(rows_of(x), channels_of(x));
  const NormTerms terms(norm, f.channels);
  const auto centres = f.repeated(terms.centre.data());
  const auto slopes = f.repeated(terms.slope.data());
  const auto shifts = f.repeated(terms.shift.data());
  const auto run = norm.activation == Activation::relu ? normalize<true> : normalize<false>;
  run(workers_, f, x.data<float>(), centres.data(), slopes.data(), shifts.data(), y.data<float>());
}

void CpuBackend::batch_norm_backward(const Tensor& x, const Tensor& y, const Tensor& dy, const BatchNorm& norm,
                                     Tensor& dx, Tensor& dscale, Tensor& dshift) {
  const TraceScope range("kernel", "batch_norm_backward");
  constexpr const char* op = "batch_norm_backward";
  const bool relu = norm.activation == Activation::relu;
  checks::same_shape(op, x, dy);
  checks::same_shape(op, x, dx);
  if (relu) checks::same_shape(op, x, y);
  const std::int64_t channels = channels_of(x);
  const std::int64_t rows = rows_of(x);
  checks::normalization_backward(op, norm, channels, dscale, dshift);
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
  const auto means = f.repeated(norm.mean->data<float>());
  const float* mu = means.data();
  const auto sums = relu ? row_sums(workers_, f,
                                    [=](std::int64_t at, std::int64_t place) {
                                      const float all = grad[at];  // read before the test: the loop vectorizes
                                      const float g = out[at] > 0.0F ? all : 0.0F;
                                      return std::pair{g, g * (in[at] - mu[place])};
                                    })
                         : row_sums(workers_, f, [=](std::int64_t at, std::int64_t place) {
                             return std::pair{grad[at], grad[at] * (in[at] - mu[place])};
                           });

  const NormGradient terms(norm, sums, rows, dscale, dshift);
  const auto slopes = f.repeated(terms.slope.data());
  const auto constants = f.repeated(terms.constant.data());
  const auto linears = f.repeated(terms.linear.data());
  const float* __restrict a = slopes.data();
  const float* __restrict k1 = constants.data();
  const float* __restrict k2 = linears.data();
  float* result = dx.data<float>();
  if (relu) {
    wide_rows(workers_, f, [=](std::int64_t at, std::int64_t width) {
      float* to = result + at;
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) {
        const float all = grad[at + i];
        const float g = out[at + i] > 0.0F ? all : 0.0F;
        to[i] = a[i] * (g - k1[i] - (in[at + i] - mu[i]) * k2[i]);
      }
    });
  } else {
    wide_rows(workers_, f, [=](std::int64_t at, std::int64_t width) {
      float* to = result + at;
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) to[i] = a[i] * (grad[at + i] - k1[i] - (in[at + i] - mu[i]) * k2[i]);
    });
  }
}

}  // namespace scnn::cpu
