#pragma once

#include <memory>
#include <string>

#include "cuda/runtime.h"
#include "scnn/backend/geometry.h"

/// NVIDIA's libraries as the measure of our own kernels; each may be missing from a build.
namespace scnn::bench {

/// c [n, n] = a b^T, all bf16, with fp32 sums.
class LibraryProduct {
 public:
  virtual ~LibraryProduct() = default;
  virtual void run(const void* a, const void* b, void* c, int n) = 0;
};
/// cuBLAS on the stream; null where this build has none.
[[nodiscard]] std::unique_ptr<LibraryProduct> library_product(cuda::Stream& stream);

enum class ConvPass { forward, backward_data, backward_weights };

/// One pass of one convolution, bf16 tensors in NHWC and OHWI (channels as given), fp32 sums, a deterministic algorithm.
class LibraryConvolution {
 public:
  virtual ~LibraryConvolution() = default;
  /// Reads two of the tensors and writes the third: y, dx (in x's place) or dw (in w's place).
  virtual void run(void* x, void* w, void* y) = 0;
};
/// cuDNN's first deterministic choice; null where this build has no cuDNN or cuDNN has no such kernel (then `why` says).
[[nodiscard]] std::unique_ptr<LibraryConvolution> library_convolution(cuda::Stream& stream, const Conv2d& shape, ConvPass pass,
                                                                      std::string& why);

}  // namespace scnn::bench
