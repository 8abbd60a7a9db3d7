#include "cuda/runtime/runtime.h"

#include <cuda_runtime_api.h>

#include <cstdlib>
#include <limits>
#include <sstream>

#include "scnn/core/error.h"

#if !defined(SCNN_CUDA_ARCHITECTURES)
#define SCNN_CUDA_ARCHITECTURES "80"
#endif

namespace scnn::cuda {
namespace {

/// Kernels use cp.async and bf16 tensor cores, which came with this compute capability.
constexpr int oldest_architecture = 80;

std::string name_of(int device) { return "cuda:" + std::to_string(device); }

[[noreturn]] void fail(const std::string& what, cudaError_t error) {
  throw Error(ErrorKind::device, what + ": " + cudaGetErrorString(error));
}

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  (void)cudaGetLastError();  // or the next launch would be blamed
  fail(std::string("CUDA ") + what, error);
}

cudaStream_t stream_of(void* handle) { return static_cast<cudaStream_t>(handle); }

std::string decimal(int capability) { return std::to_string(capability / 10) + "." + std::to_string(capability % 10); }

constexpr const char* frees_older_memory = "recorded work frees memory that was there before";
constexpr const char* or_cpu = ", or set device.type: cpu";

}  // namespace

int oldest_of(const std::string& architectures) {
  int oldest = 0;
  std::istringstream list(architectures);
  for (std::string one; std::getline(list, one, ';');) {
    const int number = std::atoi(one.c_str());
    if (number > 0 && (oldest == 0 || number < oldest)) oldest = number;
  }
  return oldest;
}

std::string unusable_because(int device) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess && error != cudaErrorNoDevice) {
    (void)cudaGetLastError();
    return std::string("there is no usable NVIDIA driver (") + cudaGetErrorString(error) +
           "); install a driver that supports CUDA " SCNN_CUDA_VERSION " or later" + or_cpu;
  }
  if (error == cudaErrorNoDevice || count == 0) {
    (void)cudaGetLastError();
    return std::string("this machine has no NVIDIA GPU; use one that has") + or_cpu;
  }
  if (device < 0 || device >= count) {
    return "this machine has " + std::to_string(count) + (count == 1 ? " NVIDIA GPU" : " NVIDIA GPUs") +
           ", cuda:0 to cuda:" + std::to_string(count - 1) + "; use one of them" + or_cpu;
  }
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "device properties");
  const int capability = 10 * properties.major + properties.minor;
  const std::string gpu = std::string(properties.name) + " has compute capability " + decimal(capability);
  if (capability < oldest_architecture) {
    return gpu + ", the kernels need " + decimal(oldest_architecture) + " or later; use a newer GPU" + or_cpu;
  }
  if (capability < oldest_of(SCNN_CUDA_ARCHITECTURES)) {
    return gpu + ", this program was built for " SCNN_CUDA_ARCHITECTURES "; build it with -DCMAKE_CUDA_ARCHITECTURES=" +
           std::to_string(capability) + or_cpu;
  }
  return {};
}

std::string describe(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "device properties");
  int version = 0;
  check(cudaRuntimeGetVersion(&version), "version");
  return std::string(properties.name) + ", compute capability " + decimal(10 * properties.major + properties.minor) +
         ", " + std::to_string(properties.multiProcessorCount) + " multiprocessors, CUDA " +
         std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::size_t most_shared_bytes(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "device properties");
  return properties.sharedMemPerBlockOptin;
}

Stream::Stream(int device) : device_(device) {
  use();
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  handle_ = stream;
  // Freed memory stays with the process: a training step asks for the same sizes again and again.
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, device), "memory pool");
  std::uint64_t keep_all = std::numeric_limits<std::uint64_t>::max();
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_all), "memory pool");
  // The marks are the device's: they begin again with the newest stream.
  std::uint64_t none = 0;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &none), "memory pool");
  check(cudaDeviceSetGraphMemAttribute(device, cudaGraphMemAttrUsedMemHigh, &none), "graph memory");
  faults_ = static_cast<Fault*>(allocate(sizeof(Fault)));
  zero(faults_, sizeof(Fault));
}

Stream::~Stream() {
  release(faults_);
  (void)cudaStreamDestroy(stream_of(handle_));
}

void Stream::use() const { check(cudaSetDevice(device_), "device"); }

void* Stream::allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  use();
  void* memory = nullptr;
  const cudaError_t error = cudaMallocAsync(&memory, bytes, stream_of(handle_));
  if (error == cudaSuccess) return memory;
  (void)cudaGetLastError();
  if (error != cudaErrorMemoryAllocation) fail("CUDA memory", error);
  std::size_t free = 0;
  std::size_t total = 0;
  (void)cudaMemGetInfo(&free, &total);
  throw Error(ErrorKind::memory, "out of memory on " + name_of(device_) + ": " + std::to_string(bytes) +
                                     " bytes asked for, " + std::to_string(free) + " of " + std::to_string(total) +
                                     " free");
}

void Stream::release(void* memory) noexcept {
  if (memory == nullptr || cudaFreeAsync(memory, stream_of(handle_)) == cudaSuccess) return;
  // Everything before it has failed already, and the next wait tells; or a capture frees what it did not allocate.
  (void)cudaGetLastError();  // or the next launch would be blamed
  spoiled_ = capturing_;
}

void Stream::zero(void* memory, std::size_t bytes) {
  if (bytes > 0) check(cudaMemsetAsync(memory, 0, bytes, stream_of(handle_)), "fill");
}

void Stream::copy(void* to, const void* from, std::size_t bytes) {
  use();
  if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(handle_)), "copy");
}

void Stream::refuse_while_capturing(const char* what) const {
  if (capturing_) throw Error(ErrorKind::bug, std::string("recorded work ") + what);
}

std::unique_ptr<CapturedGraph> Stream::capture(const std::function<void()>& work) {
  refuse_while_capturing("records itself");
  use();
  check(cudaStreamBeginCapture(stream_of(handle_), cudaStreamCaptureModeThreadLocal), "capture");
  capturing_ = true;
  spoiled_ = false;
  cudaGraph_t graph = nullptr;
  try {
    work();
    if (spoiled_) throw Error(ErrorKind::bug, frees_older_memory);
  } catch (...) {
    capturing_ = false;
    (void)cudaStreamEndCapture(stream_of(handle_), &graph);
    if (graph != nullptr) (void)cudaGraphDestroy(graph);
    (void)cudaGetLastError();
    if (spoiled_) throw Error(ErrorKind::bug, frees_older_memory);  // whatever came of it
    throw;
  }
  capturing_ = false;
  check(cudaStreamEndCapture(stream_of(handle_), &graph), "end of capture");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
  (void)cudaGraphDestroy(graph);
  check(error, "graph");
  return std::make_unique<CapturedGraph>(executable);
}

CapturedGraph::~CapturedGraph() { (void)cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(executable_)); }

void Stream::launch(const CapturedGraph& graph) {
  use();
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph.executable()), stream_of(handle_)), "graph launch");
}

std::int64_t Stream::peak_bytes() const {
  use();
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, device_), "memory pool");
  std::uint64_t used = 0;
  check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &used), "memory pool");
  std::uint64_t of_graphs = 0;
  check(cudaDeviceGetGraphMemAttribute(device_, cudaGraphMemAttrUsedMemHigh, &of_graphs), "graph memory");
  return static_cast<std::int64_t>(used + of_graphs);
}

void Stream::wait() {
  refuse_while_capturing("waits");
  copy(&seen_, faults_, sizeof seen_);
  check(cudaStreamSynchronize(stream_of(handle_)), "work on the device failed");
  kept_.clear();
  const Fault fault = seen_;
  if (fault.count == 0) return;
  zero(faults_, sizeof fault);
  const auto what = static_cast<FaultKind>(fault.what);
  const std::string value = what == FaultKind::label   ? "softmax_cross_entropy: label "
                            : what == FaultKind::index ? "gather: index "
                                                       : "load_images: index ";
  throw Error(ErrorKind::bug, value + std::to_string(fault.value) + " is outside [" +
                                  (what == FaultKind::index ? "-1" : "0") + ", " + std::to_string(fault.limit) + ")");
}

void Stream::check_launch(const char* op) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) fail(std::string(op) + ": the kernel could not be launched", error);
}

}  // namespace scnn::cuda
