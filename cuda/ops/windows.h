#pragma once

#include "cuda/runtime/gpu.h"
#include "scnn/backend/geometry.h"

namespace scnn::cuda {

/// A window along one axis.
struct Axis {
  int in, out, kernel, stride, pad, dilation;

  /// The input that place k of window o covers; may lie outside the image.
  [[nodiscard]] __device__ int input(int o, int k) const { return o * stride - pad + k * dilation; }
  [[nodiscard]] __device__ bool has_input(int i) const { return i >= 0 && i < in; }
  /// The window whose place k covers input i, or -1.
  [[nodiscard]] __device__ int output(int i, int k) const {
    const int at = i + pad - k * dilation;
    if (at < 0 || at % stride != 0) return -1;
    const int o = at / stride;
    return o < out ? o : -1;
  }
  /// How many places of window o lie inside the image.
  [[nodiscard]] __device__ int covered(int o) const {
    int count = 0;
    for (int k = 0; k < kernel; ++k) count += has_input(input(o, k)) ? 1 : 0;
    return count;
  }
};

/// The two axes of a Conv2d or Pool2d.
template <class Shape>
Axis vertical(const Shape& s) {
  const Window& w = s.window;
  return {static_cast<int>(s.in_h),     static_cast<int>(s.out_h), static_cast<int>(w.kernel_h),
          static_cast<int>(w.stride_h), static_cast<int>(w.pad_h), static_cast<int>(w.dilation_h)};
}
template <class Shape>
Axis horizontal(const Shape& s) {
  const Window& w = s.window;
  return {static_cast<int>(s.in_w),     static_cast<int>(s.out_w), static_cast<int>(w.kernel_w),
          static_cast<int>(w.stride_w), static_cast<int>(w.pad_w), static_cast<int>(w.dilation_w)};
}

}  // namespace scnn::cuda
