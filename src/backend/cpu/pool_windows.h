#pragma once

#include <cstdint>
#include <vector>

#include "scnn/backend/geometry.h"

namespace scnn::cpu {

/// A window along one axis.
struct Window1d {
  std::int64_t kernel, stride, pad, dilation;
};

inline Window1d vertical(const Window& w) { return {w.kernel_h, w.stride_h, w.pad_h, w.dilation_h}; }
inline Window1d horizontal(const Window& w) { return {w.kernel_w, w.stride_w, w.pad_w, w.dilation_w}; }

/// The other end of a connection along one axis, and its place in the window.
struct Tap {
  std::int64_t index, place;
};
using Covered = std::vector<Tap>;

/// For each output, the inputs inside the image that its window covers, in order.
inline std::vector<Covered> covered_inputs(std::int64_t in, std::int64_t out, const Window1d& w) {
  std::vector<Covered> taps(static_cast<std::size_t>(out));
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t k = 0; k < w.kernel; ++k) {
      const std::int64_t i = o * w.stride - w.pad + k * w.dilation;
      if (i >= 0 && i < in) taps[static_cast<std::size_t>(o)].push_back({i, k});
    }
  }
  return taps;
}

/// For each input, the outputs whose windows cover it, in order.
inline std::vector<Covered> covering_outputs(std::int64_t in, std::int64_t out, const Window1d& w) {
  std::vector<Covered> taps(static_cast<std::size_t>(in));
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t k = 0; k < w.kernel; ++k) {
      const std::int64_t i = o * w.stride - w.pad + k * w.dilation;
      if (i >= 0 && i < in) taps[static_cast<std::size_t>(i)].push_back({o, k});
    }
  }
  return taps;
}

}  // namespace scnn::cpu
