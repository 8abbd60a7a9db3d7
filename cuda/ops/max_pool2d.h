#pragma once

#include "cuda/ops/pool_windows.h"

/// The bodies of a max pool, for pools of x and of what is made of x on the way.
namespace scnn::cuda {

/// argmax and y = read.finish(winner) of read(x, channel).
template <class Read>
struct MaxPool {
  PoolShape shape;
  const float* x;
  Read read;
  float* y;
  std::uint8_t* argmax;

  __device__ void operator()(std::int64_t i) const {
    const PoolShape::Element e = shape.output(i);
    float best = 0;
    int place = -1;
    for (int r = 0; r < shape.h.kernel; ++r) {
      const int row = shape.h.input(e.row, r);
      if (!shape.h.has_input(row)) continue;
      for (int q = 0; q < shape.w.kernel; ++q) {
        const int column = shape.w.input(e.column, q);
        if (!shape.w.has_input(column)) continue;
        const float v = read(x[shape.input_at(e, row, column)], e.channel);
        // The first of equals; NaN wins, and is not lost again.
        if (place < 0 || v > best || v != v) {
          best = v;
          place = shape.w.kernel * r + q;
        }
      }
    }
    y[i] = read.finish(best);
    argmax[i] = static_cast<std::uint8_t>(place);
  }
};

/// The sum of gradient(window) over the windows that input `i` won, then finish(sum, i, channel).  Each input asks the
/// windows that cover it, so every dx is written once, whether windows overlap or not.
template <class Gradient, class Finish>
struct MaxPoolGradient {
  PoolShape shape;
  const std::uint8_t* argmax;
  Gradient gradient;
  Finish finish;
  float* dx;

  __device__ void operator()(std::int64_t i) const {
    const PoolShape::Element e = shape.input(i);
    float sum = 0;
    for (int r = shape.h.kernel - 1; r >= 0; --r) {
      const int row = shape.h.output(e.row, r);
      if (row < 0) continue;
      for (int q = shape.w.kernel - 1; q >= 0; --q) {
        const int column = shape.w.output(e.column, q);
        if (column < 0) continue;
        const std::int64_t window = shape.output_at(e, row, column);
        if (argmax[window] == shape.w.kernel * r + q) sum += gradient(window);
      }
    }
    dx[i] = finish(sum, i, e.channel);
  }
};

}  // namespace scnn::cuda
