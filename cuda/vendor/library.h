#pragma once

#include <memory>
#include <string>

#include "cuda/runtime/runtime.h"
#include "scnn/backend/backend.h"

namespace scnn::cuda {

/// One of the three products of a convolution: which of x, w and y it writes (dx in x's place, dw in w's).
enum class ConvPass { forward, backward_data, backward_weights };

/// Convolutions and matrix products by NVIDIA's libraries, on the stream it was made for.  Device pointers to tensors
/// of the shapes of Conv2d, extents not 0; sums in float; same inputs, same bits.  Its calls may be captured into a
/// graph once one of the same shape has been made outside.
class ConvolutionLibrary {
 public:
  ConvolutionLibrary() = default;
  ConvolutionLibrary(const ConvolutionLibrary&) = delete;
  ConvolutionLibrary& operator=(const ConvolutionLibrary&) = delete;
  virtual ~ConvolutionLibrary() = default;

  /// Versions, for people.
  [[nodiscard]] virtual std::string description() const = 0;
  /// Whether there is a deterministic algorithm.
  [[nodiscard]] virtual bool takes(ConvPass pass, const Conv2d& shape, Precision precision) = 0;
  /// All three tensors float, or all Bf16 in Precision::bf16.  Error(device) where the library does not take it.
  virtual void convolve(ConvPass pass, const Conv2d& shape, Precision precision, void* x, void* w, void* y) = 0;
  /// The same of a linear layer: x [rows, in], w [out, in], y [rows, out].  What is read is Bf16 in Precision::bf16,
  /// its rows, of `in` or of `out` values, so many values apart as the pitches say; what is written is float and dense.
  struct Product {
    int rows = 0, in = 0, out = 0, in_pitch = 0, out_pitch = 0;
  };
  virtual void multiply(ConvPass pass, const Product& product, Precision precision, void* x, void* w, void* y) = 0;
};

/// Error(device) with what was looked for, where, and a remedy.  Implemented by cuda/vendor/nvidia, or by
/// cuda/vendor/no_nvidia where the libraries' headers were absent from the build.
[[nodiscard]] std::unique_ptr<ConvolutionLibrary> make_convolution_library(Stream& stream);

}  // namespace scnn::cuda
