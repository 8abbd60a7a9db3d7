#include "cuda/vendor/library.h"

#include "cuda/vendor/nvidia/cublas.h"
#include "cuda/vendor/nvidia/cudnn.h"
#include "scnn/core/error.h"

namespace scnn::cuda {
namespace {

/// cuBLAS first: cuDNN needs its libraries, and takes those that are open.
std::string description_of_both() {
  const std::string cublas = Cublas::description();
  return Cudnn::description() + ", " + cublas;
}

class NvidiaLibraries final : public ConvolutionLibrary {
 public:
  explicit NvidiaLibraries(Stream& stream) : cublas_(stream), cudnn_(stream) {}

  [[nodiscard]] std::string description() const override { return description_of_both(); }
  [[nodiscard]] bool takes(ConvPass pass, const Conv2d& shape, Precision precision) override {
    return cudnn_.takes(pass, shape, precision);
  }
  void convolve(ConvPass pass, const Conv2d& shape, Precision precision, void* x, void* w, void* y) override {
    cudnn_.convolve(pass, shape, precision, x, w, y);
  }
  void multiply(ConvPass pass, const Product& product, Precision precision, void* x, void* w, void* y) override {
    cublas_.multiply(pass, product, precision, x, w, y);
  }

 private:
  Cublas cublas_;
  Cudnn cudnn_;
};

}  // namespace

std::unique_ptr<ConvolutionLibrary> make_convolution_library(Stream& stream) {
  return std::make_unique<NvidiaLibraries>(stream);
}

CudaLibraries libraries() {
  try {
    return {description_of_both(), ""};
  } catch (const Error& error) {
    return {"", error.what()};
  }
}

}  // namespace scnn::cuda
