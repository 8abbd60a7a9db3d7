#pragma once

#include <memory>
#include <string>

#include "backend/cpu/parallel.h"
#include "scnn/backend/geometry.h"

namespace scnn::cpu {

/// Who computes the products of this build, for people: "oneDNN 2.6.3", or "plain loops".
[[nodiscard]] std::string product_library();

/// Convolutions on NHWC activations and OHWI weights, and products of matrices: oneDNN's (src/backend/onednn), or plain
/// loops (src/backend/no_onednn), whichever is linked in.  With oneDNN, primitives, their weight layouts and buffers
/// are made once for each geometry and kept for the most recently used ones.  All extents must be positive.
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

/// c [m, n] = a [m, k] b [k, n] + beta c, row-major; an operand marked 'T' instead of 'N' is stored transposed, b alone
/// or a alone.
void matrix_product(const Workers& workers, char a_form, char b_form, std::int64_t m, std::int64_t n, std::int64_t k,
                    const float* a, const float* b, float beta, float* c);

}  // namespace scnn::cpu
