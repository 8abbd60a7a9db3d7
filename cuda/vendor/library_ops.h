#pragma once

#include "cuda/vendor/library.h"

/// What surrounds a library's product, so that it is the contract's op: float tensors outside, operands in bf16 with
/// padded channels where asked, the bias.  Weights are the effective ones.  Extents are not 0.
namespace scnn::cuda {

/// A library on its stream, and how it multiplies.
struct LibraryPath {
  Stream& stream;
  ConvolutionLibrary& library;
  Precision precision;
};

/// What the library is asked for: channels in multiples of 8 in bf16, but for groups, which it takes as they are.
[[nodiscard]] Conv2d library_shape(const Conv2d& shape, Precision precision);
/// Whether it goes as a matrix product: a linear layer.
[[nodiscard]] bool is_linear(const Conv2d& shape);
/// Whether the library has a deterministic algorithm; never for a tensor of 2^31 values or more.
[[nodiscard]] bool library_takes(const LibraryPath& path, ConvPass pass, const Conv2d& shape);

/// `bias` may be null.
void library_forward(const LibraryPath& path, const char* op, const Conv2d& shape, const float* x, const float* w,
                     const float* bias, float* y);
void library_backward_data(const LibraryPath& path, const char* op, const Conv2d& shape, const float* dy,
                           const float* w, float* dx);
void library_backward_weights(const LibraryPath& path, const char* op, const Conv2d& shape, const float* x,
                              const float* dy, float* dw);

}  // namespace scnn::cuda
