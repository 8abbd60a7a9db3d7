#pragma once

#include <memory>

#include "cuda/vendor/library.h"

namespace scnn::bench {

/// cuDNN and cuBLAS on the stream, as the measure of our own kernels; null where the backend does not find them.
[[nodiscard]] inline std::unique_ptr<cuda::ConvolutionLibrary> library_on(cuda::Stream& stream) {
  return cuda_libraries().found.empty() ? nullptr : cuda::make_convolution_library(stream);
}

}  // namespace scnn::bench
