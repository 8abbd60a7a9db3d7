#include "library.h"

namespace scnn::bench {

std::unique_ptr<LibraryConvolution> library_convolution(cuda::Stream& /*stream*/, const Conv2d& /*shape*/, ConvPass /*pass*/,
                                                        std::string& why) {
  why = "this build has no cuDNN";
  return nullptr;
}

}  // namespace scnn::bench
