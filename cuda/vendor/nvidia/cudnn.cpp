#include "cuda/vendor/nvidia/cudnn.h"

// The older convolution interface of cuDNN 9: it names whether an algorithm is deterministic.
#include <cudnn.h>

#include <vector>

#include "cuda/vendor/nvidia/dynamic_library.h"
#include "cuda/vendor/nvidia/packages.h"
#include "scnn/core/error.h"

namespace scnn::cuda {
namespace {

/// An algorithm that asks for more is passed over.
constexpr std::size_t most_workspace_bytes = std::size_t{1} << 30;
/// More than a network has; every removal brings new shapes, and the old ones go when this many have gathered.
constexpr std::size_t most_plans = 1024;

struct Library {
  DynamicLibrary in{"libcudnn.so." + std::to_string(CUDNN_MAJOR), cudnn_package};
  decltype(&cudnnGetVersion) version = in("cudnnGetVersion");
  decltype(&cudnnGetCudartVersion) cudart_version = in("cudnnGetCudartVersion");
  decltype(&cudnnGetErrorString) text = in("cudnnGetErrorString");
  decltype(&cudnnCreate) create = in("cudnnCreate");
  decltype(&cudnnDestroy) destroy = in("cudnnDestroy");
  decltype(&cudnnSetStream) set_stream = in("cudnnSetStream");
  decltype(&cudnnCreateTensorDescriptor) create_tensor = in("cudnnCreateTensorDescriptor");
  decltype(&cudnnDestroyTensorDescriptor) destroy_tensor = in("cudnnDestroyTensorDescriptor");
  decltype(&cudnnSetTensor4dDescriptor) set_tensor = in("cudnnSetTensor4dDescriptor");
  decltype(&cudnnCreateFilterDescriptor) create_filter = in("cudnnCreateFilterDescriptor");
  decltype(&cudnnDestroyFilterDescriptor) destroy_filter = in("cudnnDestroyFilterDescriptor");
  decltype(&cudnnSetFilter4dDescriptor) set_filter = in("cudnnSetFilter4dDescriptor");
  decltype(&cudnnCreateConvolutionDescriptor) create_convolution = in("cudnnCreateConvolutionDescriptor");
  decltype(&cudnnDestroyConvolutionDescriptor) destroy_convolution = in("cudnnDestroyConvolutionDescriptor");
  decltype(&cudnnSetConvolution2dDescriptor) set_convolution = in("cudnnSetConvolution2dDescriptor");
  decltype(&cudnnSetConvolutionGroupCount) set_groups = in("cudnnSetConvolutionGroupCount");
  decltype(&cudnnSetConvolutionMathType) set_math_type = in("cudnnSetConvolutionMathType");
  decltype(&cudnnGetConvolution2dForwardOutputDim) output_extents = in("cudnnGetConvolution2dForwardOutputDim");
  decltype(&cudnnGetConvolutionForwardAlgorithm_v7) forward_algorithms = in("cudnnGetConvolutionForwardAlgorithm_v7");
  decltype(&cudnnGetConvolutionBackwardDataAlgorithm_v7) data_algorithms =
      in("cudnnGetConvolutionBackwardDataAlgorithm_v7");
  decltype(&cudnnGetConvolutionBackwardFilterAlgorithm_v7) weight_algorithms =
      in("cudnnGetConvolutionBackwardFilterAlgorithm_v7");
  decltype(&cudnnConvolutionForward) forward = in("cudnnConvolutionForward");
  decltype(&cudnnConvolutionBackwardData) backward_data = in("cudnnConvolutionBackwardData");
  decltype(&cudnnConvolutionBackwardFilter) backward_weights = in("cudnnConvolutionBackwardFilter");

  Library() {
    const std::size_t theirs = cudart_version() / 1000;
    if (theirs != CUDART_VERSION / 1000) {
      throw Error(ErrorKind::device, in.path() + " is for CUDA " + std::to_string(theirs) + ", this program for CUDA " +
                                         std::to_string(CUDART_VERSION / 1000) + "; install " + cudnn_package +
                                         ", or set device.convolution: own and device.precision: fp32 or bf16");
    }
  }
  void check(cudnnStatus_t status, const char* what) const {
    if (status != CUDNN_STATUS_SUCCESS) {
      throw Error(ErrorKind::device, std::string("cuDNN, ") + what + ": " + text(status));
    }
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

const char* name_of(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return "forward";
    case ConvPass::backward_data:
      return "backward data";
    case ConvPass::backward_weights:
      return "backward weights";
  }
  return "";
}

int narrow(std::int64_t x) { return static_cast<int>(x); }

}  // namespace

/// What is known of one pass of one shape.
class Cudnn::Plan {
 public:
  Plan(cudnnHandle_t handle, ConvPass pass, const Conv2d& s, Precision precision) : handle_(handle), pass_(pass) {
    try {
      describe(s, precision);
      if (fits(s)) choose(precision);
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~Plan() { destroy(); }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  [[nodiscard]] bool found() const { return !candidates_.empty(); }
  [[nodiscard]] std::int64_t workspace_bytes() const { return static_cast<std::int64_t>(candidates_.front().bytes); }

  /// With the first candidate, in workspace_bytes() at `room`.
  [[nodiscard]] cudnnStatus_t run(void* x, void* w, void* y, void* room) const {
    const Library& l = library();
    const float one = 1;
    const float zero = 0;
    const auto& [algorithm, bytes, math] = candidates_.front();
    if (const cudnnStatus_t set = l.set_math_type(conv_, math); set != CUDNN_STATUS_SUCCESS) return set;
    switch (pass_) {
      case ConvPass::forward:
        return l.forward(handle_, &one, x_, x, w_, w, conv_, static_cast<cudnnConvolutionFwdAlgo_t>(algorithm), room,
                         bytes, &zero, y_, y);
      case ConvPass::backward_data:
        return l.backward_data(handle_, &one, w_, w, y_, y, conv_,
                               static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm), room, bytes, &zero, x_, x);
      case ConvPass::backward_weights:
        return l.backward_weights(handle_, &one, x_, x, y_, y, conv_,
                                  static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm), room, bytes, &zero, w_, w);
    }
    return CUDNN_STATUS_BAD_PARAM;
  }
  /// Goes on to the next candidate; false where there is none.
  [[nodiscard]] bool pass_over() {
    if (candidates_.size() < 2) return false;
    candidates_.erase(candidates_.begin());
    return true;
  }

 private:
  void describe(const Conv2d& s, Precision precision) {
    const Library& l = library();
    const cudnnDataType_t type = precision == Precision::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    l.check(l.create_tensor(&x_), "descriptor");
    l.check(l.create_tensor(&y_), "descriptor");
    l.check(l.create_filter(&w_), "descriptor");
    l.check(l.create_convolution(&conv_), "descriptor");
    const Window& w = s.window;
    l.check(l.set_tensor(x_, CUDNN_TENSOR_NHWC, type, narrow(s.batch), narrow(s.in_c), narrow(s.in_h), narrow(s.in_w)),
            "x");
    l.check(
        l.set_tensor(y_, CUDNN_TENSOR_NHWC, type, narrow(s.batch), narrow(s.out_c), narrow(s.out_h), narrow(s.out_w)),
        "y");
    l.check(l.set_filter(w_, type, CUDNN_TENSOR_NHWC, narrow(s.out_c), narrow(s.in_c / s.groups), narrow(w.kernel_h),
                         narrow(w.kernel_w)),
            "weights");
    l.check(l.set_convolution(conv_, narrow(w.pad_h), narrow(w.pad_w), narrow(w.stride_h), narrow(w.stride_w),
                              narrow(w.dilation_h), narrow(w.dilation_w), CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
            "convolution");
    l.check(l.set_groups(conv_, narrow(s.groups)), "groups");
    l.check(l.set_math_type(conv_, precision == Precision::fp32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH), "math type");
  }
  /// cuDNN pads all sides alike; the contract's lower and right padding is what the outputs imply.
  [[nodiscard]] bool fits(const Conv2d& s) const {
    int n = 0, c = 0, h = 0, w = 0;
    const Library& l = library();
    return l.output_extents(conv_, x_, w_, &n, &c, &h, &w) == CUDNN_STATUS_SUCCESS && h == s.out_h && w == s.out_w;
  }
  void choose(Precision precision) {
    const Library& l = library();
    const auto ask = [&](auto heuristics, auto a, auto b, auto c, auto performance) {
      std::array<decltype(performance), 16> found;
      int count = 0;
      const cudnnStatus_t status = heuristics(handle_, a, b, conv_, c, narrow(found.size()), &count, found.data());
      if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED) return;
      l.check(status, "algorithms");
      for (int i = 0; i < count; ++i) {
        const auto& f = found[static_cast<std::size_t>(i)];
        const bool exact = precision != Precision::fp32 || f.mathType == CUDNN_FMA_MATH;
        if (f.status == CUDNN_STATUS_SUCCESS && f.determinism == CUDNN_DETERMINISTIC && exact &&
            f.memory <= most_workspace_bytes) {
          candidates_.push_back({static_cast<int>(f.algo), f.memory, f.mathType});
        }
      }
    };
    switch (pass_) {
      case ConvPass::forward:
        return ask(l.forward_algorithms, x_, w_, y_, cudnnConvolutionFwdAlgoPerf_t{});
      case ConvPass::backward_data:
        return ask(l.data_algorithms, w_, y_, x_, cudnnConvolutionBwdDataAlgoPerf_t{});
      case ConvPass::backward_weights:
        return ask(l.weight_algorithms, x_, y_, w_, cudnnConvolutionBwdFilterAlgoPerf_t{});
    }
  }
  void destroy() noexcept {
    const Library& l = library();
    if (conv_ != nullptr) (void)l.destroy_convolution(conv_);
    if (w_ != nullptr) (void)l.destroy_filter(w_);
    if (y_ != nullptr) (void)l.destroy_tensor(y_);
    if (x_ != nullptr) (void)l.destroy_tensor(x_);
  }

  cudnnHandle_t handle_;
  ConvPass pass_;
  cudnnTensorDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnFilterDescriptor_t w_ = nullptr;
  cudnnConvolutionDescriptor_t conv_ = nullptr;
  struct Candidate {
    int algorithm;
    std::size_t bytes;  ///< of workspace
    cudnnMathType_t math;
  };
  std::vector<Candidate> candidates_;  ///< deterministic ones, the fastest by cuDNN's guess first
};

Cudnn::Cudnn(Stream& stream) : stream_(stream) {
  const Library& l = library();
  stream.use();
  cudnnHandle_t handle = nullptr;
  l.check(l.create(&handle), "handle");
  handle_ = handle;
  const cudnnStatus_t status = l.set_stream(handle, static_cast<cudaStream_t>(stream.handle()));
  if (status != CUDNN_STATUS_SUCCESS) (void)l.destroy(handle);
  l.check(status, "stream");
}

Cudnn::~Cudnn() {
  plans_.clear();
  (void)library().destroy(static_cast<cudnnHandle_t>(handle_));
}

Cudnn::Plan& Cudnn::plan(ConvPass pass, const Conv2d& s, Precision precision) {
  const Window& w = s.window;
  const Key key{static_cast<std::int64_t>(pass),
                static_cast<std::int64_t>(precision),
                s.batch,
                s.in_h,
                s.in_w,
                s.in_c,
                s.out_h,
                s.out_w,
                s.out_c,
                s.groups,
                w.kernel_h,
                w.kernel_w,
                w.stride_h,
                w.stride_w,
                w.pad_h,
                w.pad_w,
                w.dilation_h,
                w.dilation_w};
  if (const auto known = plans_.find(key); known != plans_.end()) return *known->second;
  if (plans_.size() >= most_plans) plans_.clear();
  auto made = std::make_unique<Plan>(static_cast<cudnnHandle_t>(handle_), pass, s, precision);
  return *plans_.emplace(key, std::move(made)).first->second;
}

bool Cudnn::takes(ConvPass pass, const Conv2d& shape, Precision precision) {
  return plan(pass, shape, precision).found();
}

void Cudnn::convolve(ConvPass pass, const Conv2d& shape, Precision precision, void* x, void* w, void* y) {
  Plan& known = plan(pass, shape, precision);
  if (!known.found()) throw Error(ErrorKind::device, "cuDNN has no deterministic algorithm for a convolution");
  for (;;) {
    const Scratch<char> room(stream_, known.workspace_bytes());
    const cudnnStatus_t status = known.run(x, w, y, room.data());
    if (status == CUDNN_STATUS_SUCCESS) return;
    // Its heuristics promise nothing: an algorithm may refuse when it is to run.  Other failures are not the
    // algorithm's.
    if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED && known.pass_over()) continue;
    throw Error(ErrorKind::device, std::string("cuDNN, ") + name_of(pass) + ": " + library().text(status) +
                                       ": set device.convolution: own and device.precision: fp32 or bf16");
  }
}

std::string Cudnn::description() {
  const std::size_t v = library().version();  // 91900
  return "cuDNN " + std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100) +
         " (" + library().in.path() + ")";
}

}  // namespace scnn::cuda
