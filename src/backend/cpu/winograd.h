#pragma once

#include "backend/cpu/parallel.h"
#include "core/host_memory.h"
#include "scnn/backend/geometry.h"

namespace scnn::cpu {

/// 3x3 and 5x5 convolutions of stride 1 by Winograd's minimal filtering (Lavin & Gray, arXiv 1509.09308), in all three
/// directions: for a 4x4 output F(4x4, 3x3) takes 36 products instead of 144 and F(4x4, 5x5) 64 instead of 400; where
/// tiles of 4 do not fit a 3x3 convolution well, F(2x2, 3x3) takes 16 instead of 36.  The gradients are the exact
/// adjoints of the forward transform.  Results do not depend on the number of threads; forward and data gradient of an
/// image do not depend on the rest of the batch.
class Winograd {
 public:
  explicit Winograd(const Workers& workers) : workers_(workers) {}

  /// Whether this class computes `shape`, and faster than oneDNN on this processor.
  [[nodiscard]] static bool takes(const Conv2d& shape);

  /// `bias` may be null.
  void forward(const Conv2d& shape, const float* x, const float* w, const float* bias, float* y);
  void backward_data(const Conv2d& shape, const float* dy, const float* w, float* dx);
  void backward_weights(const Conv2d& shape, const float* x, const float* dy, float* dw);

 private:
  /// The points of all filters, [points, in, padded(out)]; `turned`, by half a circle, [points, out, padded(in)].
  template <int outputs, int taps>
  [[nodiscard]] const float* transformed(const Conv2d& shape, const float* w, bool turned);
  template <int outputs, int taps>
  void weight_gradient(const Conv2d& shape, const float* x, const float* dy, float* dw);

  Workers workers_;
  HostMemory weights_;  ///< transformed weights, or the partial sums of their gradients
};

}  // namespace scnn::cpu
