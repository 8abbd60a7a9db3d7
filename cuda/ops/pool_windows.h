#pragma once

#include "cuda/ops/windows.h"

namespace scnn::cuda {

/// A pool's two axes, and where element i of an NHWC array is.
struct PoolShape {
  Axis h, w;
  std::int64_t channels;

  explicit PoolShape(const Pool2d& s) : h(vertical(s)), w(horizontal(s)), channels(s.channels) {}

  struct Element {
    std::int64_t image, channel;
    int row, column;
  };
  [[nodiscard]] __device__ Element element(std::int64_t i, int rows, int columns) const {
    const std::int64_t pixel = i / channels;
    const std::int64_t line = pixel / columns;
    return {line / rows, i - pixel * channels, static_cast<int>(line % rows), static_cast<int>(pixel % columns)};
  }
  [[nodiscard]] __device__ Element input(std::int64_t i) const { return element(i, h.in, w.in); }
  [[nodiscard]] __device__ Element output(std::int64_t i) const { return element(i, h.out, w.out); }
  [[nodiscard]] __device__ std::int64_t input_at(const Element& e, int row, int column) const {
    return ((e.image * h.in + row) * w.in + column) * channels + e.channel;
  }
  [[nodiscard]] __device__ std::int64_t output_at(const Element& e, int row, int column) const {
    return ((e.image * h.out + row) * w.out + column) * channels + e.channel;
  }
};

}  // namespace scnn::cuda
