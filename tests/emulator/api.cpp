#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "cuda_runtime_api.h"
#include "emulator/device.h"
#include "emulator/gpu.h"
#include "emulator/memory.h"

/// Captured work: everything by value as it was when it was captured.
struct CUgraph_st {
  std::vector<std::function<void()>> work;
  std::map<void*, std::size_t> memory;  ///< allocated by the graph, open while a launch of it runs
  std::size_t open = 0;                 ///< of `memory`, at the end of the graph
  bool valid = true;

  ~CUgraph_st() {
    for (const auto& [place, bytes] : memory) (void)emulator::device_free(place);
  }
};

/// A stream holds its work until somebody waits for it: nothing may count on it having run earlier.
struct CUstream_st {
  std::deque<std::function<void()>> work;
  std::shared_ptr<CUgraph_st> capturing;

  void drain() {
    const emulator::DeviceAccess access;
    while (!work.empty()) {
      const std::function<void()> next = std::move(work.front());
      work.pop_front();
      next();
    }
  }
};

namespace emulator {
namespace {

std::map<std::string, cudaError_t>& planned_failures() {
  static std::map<std::string, cudaError_t> failures;
  return failures;
}

cudaError_t last_error = cudaSuccess;

cudaError_t failed(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

/// What a test planned for this function, once.
cudaError_t planned(const char* function) {
  const auto found = planned_failures().find(function);
  if (found == planned_failures().end()) return cudaSuccess;
  const cudaError_t error = found->second;
  planned_failures().erase(found);
  return failed(error);
}

/// Every call asks for planned failures first, and needs a stream of its own.
cudaError_t enqueue(const char* function, cudaStream_t stream, std::function<void()> work) {
  if (const cudaError_t error = planned(function)) return error;
  if (stream == nullptr) die("work for the default stream: the backend has a stream of its own");
  if (stream->capturing) {
    stream->capturing->work.push_back(std::move(work));
  } else {
    stream->work.push_back(std::move(work));
  }
  return cudaSuccess;
}

/// For what may not be captured: spoils the capture.
bool spoils_capture(cudaStream_t stream) {
  if (stream == nullptr || !stream->capturing) return false;
  stream->capturing->valid = false;
  return true;
}

/// Graphs between the end of their capture and their destruction.
std::map<cudaGraph_t, std::shared_ptr<CUgraph_st>>& ended_captures() {
  static std::map<cudaGraph_t, std::shared_ptr<CUgraph_st>> graphs;
  return graphs;
}

std::size_t executable_graphs = 0;

bool is_launchable(const Shape& shape, std::size_t most_shared_bytes) {
  const auto in = [](unsigned value, unsigned most) { return value >= 1 && value <= most; };
  return in(shape.grid.x, 0x7fffffffU) && in(shape.grid.y, 65535) && in(shape.grid.z, 65535) &&
         in(shape.block.x, 1024) && in(shape.block.y, 1024) && in(shape.block.z, 64) &&
         shape.block.x * shape.block.y * shape.block.z <= 1024 && shape.shared_bytes <= most_shared_bytes;
}

}  // namespace

Device& device() {
  static Device d;
  return d;
}

void fail_next(const std::string& function, cudaError_t error) { planned_failures()[function] = error; }

std::size_t graphs_in_use() { return ended_captures().size() + executable_graphs; }

void enqueue_launch(const Shape& shape, std::size_t most_shared_bytes, cudaStream_t stream,
                    std::function<void()> body) {
  if (!is_launchable(shape, most_shared_bytes)) {
    failed(cudaErrorInvalidConfiguration);
    return;
  }
  (void)enqueue("launch", stream, [shape, body = std::move(body)] {
    const auto launch = device().launches++;
    run_grid(shape, body, device().seed + static_cast<unsigned>(launch) * 7919U);
  });
}

}  // namespace emulator

using emulator::device;
using emulator::failed;
using emulator::planned;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
  }
  return "unknown error";
}

cudaError_t cudaGetLastError() { return std::exchange(emulator::last_error, cudaSuccess); }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device().driver == cudaSuccess ? device().count : 0;
  return failed(device().driver);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
  if (index < 0 || index >= device().count) return failed(cudaErrorInvalidDevice);
  *properties = {"emulated device", device().major, device().minor, 1, emulator::device_bytes, device().shared_bytes};
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int index) {
  return index < 0 || index >= device().count ? failed(cudaErrorInvalidDevice) : planned("cudaSetDevice");
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = device().driver == cudaSuccess ? 13000 : 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  *stream = new CUstream_st;
  return planned("cudaStreamCreateWithFlags");
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  stream->drain();
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (emulator::spoils_capture(stream)) return failed(cudaErrorStreamCaptureUnsupported);
  if (const cudaError_t error = planned("cudaStreamSynchronize")) return error;
  stream->drain();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int /*device*/) {
  *pool = nullptr;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t /*pool*/, cudaMemPoolAttr attribute, void* /*value*/) {
  if (attribute == cudaMemPoolAttrUsedMemHigh) emulator::forget_device_peak();
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t /*pool*/, cudaMemPoolAttr /*attribute*/, void* value) {
  const std::uint64_t bytes = emulator::device_bytes_peak();
  std::memcpy(value, &bytes, sizeof bytes);
  return cudaSuccess;
}

cudaError_t cudaDeviceSetGraphMemAttribute(int /*device*/, cudaGraphMemAttributeType /*attribute*/, void* /*value*/) {
  return cudaSuccess;
}

// The emulated pool's figure holds graphs' memory already.
cudaError_t cudaDeviceGetGraphMemAttribute(int /*device*/, cudaGraphMemAttributeType /*attribute*/, void* value) {
  std::memset(value, 0, sizeof(std::uint64_t));
  return cudaSuccess;
}

struct CUgraphExec_st {
  std::shared_ptr<CUgraph_st> graph;
};

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode /*mode*/) {
  if (const cudaError_t error = planned("cudaStreamBeginCapture")) return error;
  if (emulator::spoils_capture(stream)) return failed(cudaErrorStreamCaptureUnsupported);
  stream->capturing = std::make_shared<CUgraph_st>();
  return cudaSuccess;
}

// The handle of a graph owns nothing here: its executable does.
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  const std::shared_ptr<CUgraph_st> captured = std::exchange(stream->capturing, nullptr);
  if (!captured || !captured->valid) return failed(cudaErrorStreamCaptureInvalidated);
  emulator::ended_captures()[captured.get()] = captured;
  *graph = captured.get();
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return emulator::ended_captures().erase(graph) == 1 ? cudaSuccess : failed(cudaErrorInvalidValue);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long /*flags*/) {
  if (const cudaError_t error = planned("cudaGraphInstantiate")) return error;
  const auto found = emulator::ended_captures().find(graph);
  // A graph that leaves memory allocated cannot be launched twice.
  if (found == emulator::ended_captures().end() || graph->open != 0) return failed(cudaErrorInvalidValue);
  *executable = new CUgraphExec_st{found->second};
  ++emulator::executable_graphs;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  if (const cudaError_t error = planned("cudaGraphLaunch")) return error;
  const std::shared_ptr<CUgraph_st> graph = executable->graph;
  ++device().graph_launches;
  for (const std::function<void()>& one : graph->work) {
    stream->work.push_back([graph, one] { one(); });
  }
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  --emulator::executable_graphs;
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** place, std::size_t bytes, cudaStream_t stream) {
  if (const cudaError_t error = planned("cudaMallocAsync")) return error;
  if (bytes == 0) return failed(cudaErrorInvalidValue);  // CUDA leaves open what that is: nobody should ask
  *place = emulator::device_allocate(bytes);
  if (*place != nullptr && stream != nullptr && stream->capturing) {
    void* const mine = *place;
    emulator::device_close(mine, bytes);
    stream->capturing->memory[mine] = bytes;
    ++stream->capturing->open;
    stream->capturing->work.emplace_back([mine, bytes] { emulator::device_open(mine, bytes); });
  }
  return *place != nullptr ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}

cudaError_t cudaFreeAsync(void* place, cudaStream_t stream) {
  if (place != nullptr && stream != nullptr && stream->capturing) {
    const auto mine = stream->capturing->memory.find(place);
    if (mine == stream->capturing->memory.end()) {
      stream->capturing->valid = false;  // a graph frees what it allocated, nothing else
      return failed(cudaErrorInvalidValue);
    }
    --stream->capturing->open;
    return emulator::enqueue("cudaFreeAsync", stream,
                             [place, bytes = mine->second] { emulator::device_close(place, bytes); });
  }
  return emulator::enqueue("cudaFreeAsync", stream, [place] {
    if (place != nullptr && !emulator::device_free(place)) emulator::die("cudaFreeAsync of what was never allocated");
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = emulator::device_bytes;
  *free = emulator::device_bytes - emulator::device_bytes_in_use();
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const bool to_device = emulator::is_device_memory(to);
  const bool from_device = emulator::is_device_memory(from);
  const auto actual = static_cast<cudaMemcpyKind>((from_device ? 2 : 0) + (to_device ? 1 : 0));
  if (kind != cudaMemcpyDefault && kind != actual) return failed(cudaErrorInvalidValue);
  // Allowed by CUDA, but the host's memory is seldom still there at the next launch.
  if (!(to_device && from_device) && emulator::spoils_capture(stream)) return failed(cudaErrorStreamCaptureUnsupported);
  if (!to_device) {
    const emulator::Quiet quiet;
    std::memset(to, 0xff, bytes);  // the host sees nothing before it waits
  }
  return emulator::enqueue("cudaMemcpyAsync", stream, [=] {
    const emulator::Quiet quiet;
    emulator::driver_reads(from, bytes);
    emulator::driver_writes(to, bytes);
    std::memcpy(to, from, bytes);
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return emulator::enqueue("cudaMemsetAsync", stream, [=] {
    const emulator::Quiet quiet;
    emulator::driver_writes(to, bytes);
    std::memset(to, value, bytes);
  });
}
