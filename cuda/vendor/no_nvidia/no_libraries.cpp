#include "cuda/vendor/library.h"
#include "scnn/core/error.h"

/// Linked in where the headers of cuDNN and cuBLAS were not found.
namespace scnn::cuda {

std::unique_ptr<ConvolutionLibrary> make_convolution_library(Stream& /*stream*/) {
  throw Error(ErrorKind::device, libraries().unusable_because);
}

CudaLibraries libraries() {
  return {"",
          "this program was built without cuDNN's and cuBLAS's headers: install them and build it again, or set "
          "device.convolution: own and device.precision: fp32 or bf16"};
}

}  // namespace scnn::cuda
