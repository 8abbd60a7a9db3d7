// The older convolution interface of cuDNN 9: it names whether an algorithm is deterministic.
#include <cudnn.h>

#include <array>
#include <vector>

#include "cuda/runtime.h"
#include "library.h"
#include "scnn/core/error.h"

namespace scnn::bench {
namespace {

void check(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) {
    throw Error(ErrorKind::device, std::string("cuDNN ") + what + ": " + cudnnGetErrorString(status));
  }
}

int narrow(std::int64_t x) { return static_cast<int>(x); }

class Convolution final : public LibraryConvolution {
 public:
  Convolution(void* stream, const Conv2d& s, ConvPass pass) : pass_(pass) {
    check(cudnnCreate(&handle_), "handle");
    check(cudnnSetStream(handle_, static_cast<cudaStream_t>(stream)), "stream");
    check(cudnnCreateTensorDescriptor(&x_), "descriptor");
    check(cudnnCreateTensorDescriptor(&y_), "descriptor");
    check(cudnnCreateFilterDescriptor(&w_), "descriptor");
    check(cudnnCreateConvolutionDescriptor(&conv_), "descriptor");
    const Window& w = s.window;
    check(cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NHWC, CUDNN_DATA_BFLOAT16, narrow(s.batch), narrow(s.in_c),
                                     narrow(s.in_h), narrow(s.in_w)),
          "x");
    check(cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NHWC, CUDNN_DATA_BFLOAT16, narrow(s.batch), narrow(s.out_c),
                                     narrow(s.out_h), narrow(s.out_w)),
          "y");
    check(cudnnSetFilter4dDescriptor(w_, CUDNN_DATA_BFLOAT16, CUDNN_TENSOR_NHWC, narrow(s.out_c), narrow(s.in_c),
                                     narrow(w.kernel_h), narrow(w.kernel_w)),
          "weights");
    check(cudnnSetConvolution2dDescriptor(conv_, narrow(w.pad_h), narrow(w.pad_w), narrow(w.stride_h),
                                          narrow(w.stride_w), narrow(w.dilation_h), narrow(w.dilation_w),
                                          CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
          "convolution");
    check(cudnnSetConvolutionMathType(conv_, CUDNN_TENSOR_OP_MATH), "math type");
  }
  ~Convolution() override {
    cudnnDestroyConvolutionDescriptor(conv_);
    cudnnDestroyFilterDescriptor(w_);
    cudnnDestroyTensorDescriptor(y_);
    cudnnDestroyTensorDescriptor(x_);
    cudnnDestroy(handle_);
  }
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  /// The heuristics' best deterministic algorithm; false where there is none.
  bool choose(cuda::Stream& stream) {
    int count = 0;
    switch (pass_) {
      case ConvPass::forward: {
        std::array<cudnnConvolutionFwdAlgoPerf_t, 16> found;
        check(cudnnGetConvolutionForwardAlgorithm_v7(handle_, x_, w_, conv_, y_, narrow(found.size()), &count,
                                                     found.data()),
              "algorithms");
        return take(stream, found.data(), count, forward_);
      }
      case ConvPass::backward_data: {
        std::array<cudnnConvolutionBwdDataAlgoPerf_t, 16> found;
        check(cudnnGetConvolutionBackwardDataAlgorithm_v7(handle_, w_, y_, conv_, x_, narrow(found.size()), &count,
                                                          found.data()),
              "algorithms");
        return take(stream, found.data(), count, data_);
      }
      case ConvPass::backward_weights: {
        std::array<cudnnConvolutionBwdFilterAlgoPerf_t, 16> found;
        check(cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle_, x_, y_, conv_, w_, narrow(found.size()), &count,
                                                            found.data()),
              "algorithms");
        return take(stream, found.data(), count, weights_);
      }
    }
    return false;
  }

  void run(void* x, void* w, void* y) override {
    const float one = 1;
    const float zero = 0;
    void* room = workspace_ ? workspace_->data() : nullptr;
    switch (pass_) {
      case ConvPass::forward:
        check(cudnnConvolutionForward(handle_, &one, x_, x, w_, w, conv_, forward_, room, bytes_, &zero, y_, y),
              "forward");
        break;
      case ConvPass::backward_data:
        check(cudnnConvolutionBackwardData(handle_, &one, w_, w, y_, y, conv_, data_, room, bytes_, &zero, x_, x),
              "backward data");
        break;
      case ConvPass::backward_weights:
        check(cudnnConvolutionBackwardFilter(handle_, &one, x_, x, y_, y, conv_, weights_, room, bytes_, &zero, w_, w),
              "backward weights");
        break;
    }
  }

 private:
  template <class Performance, class Algorithm>
  bool take(cuda::Stream& stream, const Performance* found, int count, Algorithm& algorithm) {
    for (int i = 0; i < count; ++i) {
      if (found[i].status != CUDNN_STATUS_SUCCESS || found[i].determinism != CUDNN_DETERMINISTIC) continue;
      algorithm = found[i].algo;
      bytes_ = found[i].memory;
      if (bytes_ > 0) workspace_ = std::make_unique<cuda::Scratch<char>>(stream, static_cast<std::int64_t>(bytes_));
      return true;
    }
    return false;
  }

  ConvPass pass_;
  cudnnHandle_t handle_ = nullptr;
  cudnnTensorDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnFilterDescriptor_t w_ = nullptr;
  cudnnConvolutionDescriptor_t conv_ = nullptr;
  cudnnConvolutionFwdAlgo_t forward_{};
  cudnnConvolutionBwdDataAlgo_t data_{};
  cudnnConvolutionBwdFilterAlgo_t weights_{};
  std::size_t bytes_ = 0;
  std::unique_ptr<cuda::Scratch<char>> workspace_;
};

}  // namespace

std::unique_ptr<LibraryConvolution> library_convolution(cuda::Stream& stream, const Conv2d& shape, ConvPass pass,
                                                        std::string& why) {
  auto convolution = std::make_unique<Convolution>(stream.handle(), shape, pass);
  if (convolution->choose(stream)) return convolution;
  why = "cuDNN has no deterministic kernel for it";
  return nullptr;
}

}  // namespace scnn::bench
