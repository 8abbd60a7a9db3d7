#include <algorithm>
#include <array>
#include <vector>

#include "backend/checks.h"
#include "backend/cpu/batch_norm.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/max_pool2d.h"
#include "scnn/core/range.h"

namespace scnn::cpu {
namespace {

/// For max_pool_forward: the winner of slope * (v - centre) + shift, then the activation.
template <bool relu>
struct Normal {
  const float *a, *b, *c;

  [[nodiscard]] Normal from(std::int64_t channel) const { return {a + channel, b + channel, c + channel}; }
  static float value(float v, const float* slope, const float* centre, const float* shift, std::int64_t channel) {
    return slope[channel] * (v - centre[channel]) + shift[channel];
  }
  static float finish(float y) { return relu ? rectify(y) : y; }
};

/// Windows that lie side by side: each pixel is in one at most.
bool apart(const Pool2d& s) {
  const Window& w = s.window;
  const bool plain = w.pad_h == 0 && w.pad_w == 0 && w.dilation_h == 1 && w.dilation_w == 1;
  return plain && w.stride_h == w.kernel_h && w.stride_w == w.kernel_w && s.out_h * w.kernel_h <= s.in_h &&
         s.out_w * w.kernel_w <= s.in_w;
}

/// What a pool of windows side by side hands back, row by row: all loops run over whole rows, whatever the channels.
class PoolGradient {
 public:
  PoolGradient(const Pool2d& shape, const Tensor& y, const Tensor& argmax, const Tensor& dy, bool relu)
      : shape_(shape), y_(y.data<float>()), dy_(dy.data<float>()), argmax_(argmax.data<std::uint8_t>()), relu_(relu) {}

  /// visit(first element of a row of x, its gradients in front of the activation), for the rows of x under row `line`
  /// of y, counted over the whole batch; those below the last windows belong to the last line of their image.
  template <class Visit>
  void each_row(std::int64_t line, const Visit& visit) const {
    const Window& w = shape_.window;
    const std::int64_t channels = shape_.channels;
    const std::int64_t n = shape_.out_w * channels;
    const float* __restrict out = y_ + line * n;
    const float* __restrict grad = dy_ + line * n;
    const std::uint8_t* __restrict winner = argmax_ + line * n;
    std::vector<float> memory(static_cast<std::size_t>(2 * n + shape_.in_w * channels));
    float* __restrict gated = memory.data();
    float* __restrict mine = gated + n;
    float* __restrict row = mine + n;
    if (relu_) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const float all = grad[i];  // read before the test: the loop vectorises
        gated[i] = out[i] > 0.0F ? all : 0.0F;
      }
    } else {
      std::copy_n(grad, n, gated);
    }
    const std::int64_t oh = line % shape_.out_h;
    const std::int64_t top = line / shape_.out_h * shape_.in_h + oh * w.kernel_h;
    const std::int64_t row_size = shape_.in_w * channels;
    for (std::int64_t r = 0; r < w.kernel_h; ++r) {
      for (std::int64_t q = 0; q < w.kernel_w; ++q) {
        const auto here = static_cast<std::uint8_t>(r * w.kernel_w + q);
#pragma omp simd
        for (std::int64_t i = 0; i < n; ++i) {
          const float all = gated[i];
          mine[i] = winner[i] == here ? all : 0.0F;
        }
        for (std::int64_t ow = 0; ow < shape_.out_w; ++ow) {
          std::copy_n(mine + ow * channels, channels, row + (ow * w.kernel_w + q) * channels);
        }
      }
      visit((top + r) * row_size, row);
    }
    if (oh + 1 < shape_.out_h) return;
    std::fill_n(row, row_size, 0.0F);
    for (std::int64_t r = shape_.out_h * w.kernel_h; r < shape_.in_h; ++r) {
      visit((line / shape_.out_h * shape_.in_h + r) * row_size, row);
    }
  }

 private:
  const Pool2d& shape_;
  const float *y_, *dy_;
  const std::uint8_t* argmax_;
  bool relu_;
};

/// `values` [channels] for every pixel of a row of x.
std::vector<float> along_row(const Pool2d& shape, const float* values) {
  std::vector<float> row;
  for (std::int64_t i = 0; i < shape.in_w; ++i) row.insert(row.end(), values, values + shape.channels);
  return row;
}

/// Sums of g and g * (x - mean): float within a chunk of lines, double across chunks, whatever the number of threads.
std::array<std::vector<double>, 2> gradient_sums(const Workers& workers, const Pool2d& s, const PoolGradient& pool,
                                                 const float* x, const float* mean) {
  const auto channels = static_cast<std::size_t>(s.channels);
  const std::int64_t lines = s.batch * s.out_h;
  const std::int64_t row_size = s.in_w * s.channels;
  const std::int64_t chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 15) / (s.window.kernel_h * row_size));
  const std::int64_t chunks = (lines + chunk - 1) / chunk;
  std::vector<double> partial(2 * channels * static_cast<std::size_t>(chunks));
  const std::vector<float> means = along_row(s, mean);
  workers.ranges(lines, chunk, lines * row_size, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> sums(2 * static_cast<std::size_t>(row_size));
    float* __restrict first = sums.data();
    float* __restrict second = first + row_size;
    const float* __restrict mu = means.data();
    for (std::int64_t line = begin; line < end; ++line) {
      pool.each_row(line, [=](std::int64_t at, const float* __restrict g) {
        const float* __restrict in = x + at;
#pragma omp simd
        for (std::int64_t i = 0; i < row_size; ++i) {
          first[i] += g[i];
          second[i] += g[i] * (in[i] - mu[i]);
        }
      });
    }
    double* out = partial.data() + static_cast<std::size_t>(begin / chunk) * 2 * channels;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const std::size_t which = i < sums.size() / 2 ? 0 : channels;
      out[which + i % channels] += static_cast<double>(sums[i]);
    }
  });
  std::array<std::vector<double>, 2> total{std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t k = 0; k < static_cast<std::size_t>(chunks); ++k) {
    for (std::size_t c = 0; c < channels; ++c) {
      total[0][c] += partial[2 * k * channels + c];
      total[1][c] += partial[(2 * k + 1) * channels + c];
    }
  }
  return total;
}

}  // namespace

void CpuBackend::batch_norm_max_pool_backward(const Pool2d& shape, const Tensor& x, const Tensor& y,
                                              const Tensor& argmax, const Tensor& dy, const BatchNorm& norm, Tensor& dx,
                                              Tensor& dscale, Tensor& dshift) {
  constexpr const char* op = "batch_norm_max_pool_backward";
  checks::max_pool2d(op, shape, x, y, argmax);
  checks::same_shape(op, x, dx);
  checks::same_shape(op, y, dy);
  checks::normalisation_backward(op, norm, shape.channels, dscale, dshift);
  // Channels that fill vectors go through the separate ops as fast or faster; after removals most do not.
  if (!apart(shape) || y.size() == 0 || shape.channels % 8 == 0) {
    return Backend::batch_norm_max_pool_backward(shape, x, y, argmax, dy, norm, dx, dscale, dshift);
  }
  const Range range("kernel", op);
  const PoolGradient pool(shape, y, argmax, dy, norm.activation == Activation::relu);
  const float* in = x.data<float>();
  const float* mean = norm.mean->data<float>();
  const NormGradient terms(norm, gradient_sums(workers_, shape, pool, in, mean), x.size() / shape.channels, dscale,
                           dshift);
  const std::vector<float> means = along_row(shape, mean);
  const std::vector<float> slopes = along_row(shape, terms.slope.data());
  const std::vector<float> constants = along_row(shape, terms.constant.data());
  const std::vector<float> linears = along_row(shape, terms.linear.data());
  float* out = dx.data<float>();
  const std::int64_t row_size = shape.in_w * shape.channels;
  workers_.each(shape.batch * shape.out_h, x.size(), [&](std::int64_t line) {
    pool.each_row(line, [&](std::int64_t at, const float* __restrict g) {
      const float* __restrict from = in + at;
      float* __restrict to = out + at;
      const float* __restrict a = slopes.data();
      const float* __restrict k1 = constants.data();
      const float* __restrict k2 = linears.data();
      const float* __restrict mu = means.data();
#pragma omp simd
      for (std::int64_t i = 0; i < row_size; ++i) to[i] = a[i] * (g[i] - k1[i] - (from[i] - mu[i]) * k2[i]);
    });
  });
}

void CpuBackend::batch_norm_max_pool_forward(const Pool2d& shape, const Tensor& x, const BatchNorm& norm, Tensor& y,
                                             Tensor& argmax) {
  const Range range("kernel", "batch_norm_max_pool_forward");
  constexpr const char* op = "batch_norm_max_pool_forward";
  checks::max_pool2d(op, shape, x, y, argmax);
  checks::normalisation(op, norm, shape.channels);
  const NormTerms terms(norm, shape.channels);
  const auto pool = [&]<bool relu>() {
    const Normal<relu> read{terms.slope.data(), terms.centre.data(), terms.shift.data()};
    max_pool_forward(workers_, shape, x.data<float>(), read, y.data<float>(), argmax.data<std::uint8_t>());
  };
  norm.activation == Activation::relu ? pool.operator()<true>() : pool.operator()<false>();
}

}  // namespace scnn::cpu
