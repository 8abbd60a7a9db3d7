#pragma once

#include <memory>
#include <string>

#include "backend/cpu/parallel.h"
#include "scnn/backend/geometry.h"

namespace scnn::cpu {

/// "2.6.3"
[[nodiscard]] std::string onednn_version();

/// oneDNN convolutions on NHWC activations and OHWI weights.  Primitives, their weight layouts and buffers are made
/// once for each geometry and kept for the most recently used ones.  All extents must be positive.
class Convolutions {
 public:
  explicit Convolutions(const Workers& workers);
  Convolutions(const Convolutions&) = delete;
  Convolutions& operator=(const Convolutions&) = delete;
  ~Convolutions();

  /// `bias` may be null.
  void forward(const Conv2d& shape, const float* x, const float* w, const float* bias, float* y);
  void backward_data(const Conv2d& shape, const float* dy, const float* w, float* dx);
  void backward_weights(const Conv2d& shape, const float* x, const float* dy, float* dw);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace scnn::cpu
