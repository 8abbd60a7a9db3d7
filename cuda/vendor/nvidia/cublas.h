#pragma once

#include <optional>

#include "cuda/vendor/library.h"

namespace scnn::cuda {

/// cuBLAS on one stream, its workspace fixed, so that the same products give the same bits.
class Cublas {
 public:
  /// Error(device) where the library is absent.
  explicit Cublas(Stream& stream);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  /// ConvolutionLibrary::multiply.
  void multiply(ConvPass pass, const ConvolutionLibrary::Product& product, Precision precision, const void* x,
                const void* w, const void* y);

  /// Version and place; Error(device) where the library is absent.
  [[nodiscard]] static std::string description();

 private:
  void* handle_ = nullptr;
  Scratch<char> workspace_;
};

}  // namespace scnn::cuda
