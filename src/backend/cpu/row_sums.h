#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "backend/cpu/parallel.h"

namespace scnn::cpu {

/// A [rows, channels] array seen as wider rows, `fold` of them side by side, so that inner loops over `width` =
/// fold * channels fill whole vectors even where there are one, three or 17 channels.
struct FoldedRows {
  std::int64_t rows, channels, fold, width, chunk;

  FoldedRows(std::int64_t row_count, std::int64_t channel_count) : rows(row_count), channels(channel_count) {
    fold = channels >= 64 ? 1 : 8 / std::gcd<std::int64_t>(channels, 8);
    while (fold * channels < 32) fold *= 2;
    width = fold * channels;
    // Rows of a chunk: about 128 kB, a number that depends on the shape alone.
    const std::int64_t step = 4 * fold;
    chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 15) / (step * channels)) * step;
  }

  [[nodiscard]] std::int64_t chunks() const { return (rows + chunk - 1) / chunk; }
  /// `values` [channels] repeated to `width`.
  [[nodiscard]] std::vector<float> repeated(const float* values) const {
    std::vector<float> wide(static_cast<std::size_t>(width));
    for (std::int64_t i = 0; i < width; ++i) wide[static_cast<std::size_t>(i)] = values[i % channels];
    return wide;
  }
};

/// Sums over rows, one for each channel, of two terms of an element: term(offset, place) returns both for the element
/// at `offset` of the array, `place` < width telling its channel.  Float within a chunk, double across chunks, in an
/// order that does not depend on the number of threads.
template <class Term>
std::array<std::vector<double>, 2> row_sums(const Workers& workers, const FoldedRows& f, const Term& term) {
  const auto channels = static_cast<std::size_t>(f.channels);
  std::array<std::vector<double>, 2> sums{std::vector<double>(channels), std::vector<double>(channels)};
  std::vector<double> partial(2 * channels * static_cast<std::size_t>(f.chunks()));
  workers.each(f.chunks(), f.rows * f.channels, [&](std::int64_t c) {
    std::vector<float> scratch(2 * static_cast<std::size_t>(f.width));
    float* __restrict first = scratch.data();
    float* __restrict second = first + f.width;
    const std::int64_t end = std::min(f.rows, (c + 1) * f.chunk) * f.channels;
    const std::int64_t width = f.width;
    std::int64_t at = c * f.chunk * f.channels;
    for (; at + 4 * width <= end; at += 4 * width) {
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) {
        const auto a = term(at + i, i);
        const auto b = term(at + width + i, i);
        const auto d = term(at + 2 * width + i, i);
        const auto e = term(at + 3 * width + i, i);
        first[i] += (a.first + b.first) + (d.first + e.first);
        second[i] += (a.second + b.second) + (d.second + e.second);
      }
    }
    for (; at < end; at += width) {
      const std::int64_t n = std::min(width, end - at);
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const auto a = term(at + i, i);
        first[i] += a.first;
        second[i] += a.second;
      }
    }
    double* out = partial.data() + static_cast<std::size_t>(c) * 2 * channels;
    for (std::int64_t k = 0; k < f.fold; ++k) {
      for (std::int64_t i = 0; i < f.channels; ++i) {
        out[i] += static_cast<double>(first[k * f.channels + i]);
        out[f.channels + i] += static_cast<double>(second[k * f.channels + i]);
      }
    }
  });
  for (std::int64_t c = 0; c < f.chunks(); ++c) {
    const double* in = partial.data() + static_cast<std::size_t>(c) * 2 * channels;
    for (std::size_t i = 0; i < channels; ++i) {
      sums[0][i] += in[i];
      sums[1][i] += in[channels + i];
    }
  }
  return sums;
}

/// out[c] = sum of x[r, c] over r.
void row_sums(const Workers& workers, const float* x, std::int64_t rows, std::int64_t channels, float* out);

}  // namespace scnn::cpu
