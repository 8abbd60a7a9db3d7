#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The CUDA runtime as the backend uses it: one stream, memory in its order, errors as scnn::Error.  Plain C++; kernels
/// are launched through cuda/runtime/launch.h.
namespace scnn::cuda {

/// The oldest in a CMake list of architectures such as "80;90" or "90-real;80-virtual"; 0 where it has no number
/// ("all").
[[nodiscard]] int oldest_of(const std::string& architectures);
/// Why this device cannot be used, and what to do; empty where it can.
[[nodiscard]] std::string unusable_because(int device);
/// Name, compute capability, multiprocessors, CUDA version.
[[nodiscard]] std::string describe(int device);

/// Bytes of shared memory that a block may have.
[[nodiscard]] std::size_t most_shared_bytes(int device);

/// A value that a kernel refused: the first one found since the last wait.
struct Fault {
  unsigned count;  ///< of refused values
  int what;        ///< a FaultKind
  int value;
  int limit;  ///< valid values lie below
};
enum class FaultKind : int { label = 1, index, image };

/// Work of a stream as one CUDA graph.
class CapturedGraph {
 public:
  explicit CapturedGraph(void* executable) : executable_(executable) {}
  ~CapturedGraph();
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;
  [[nodiscard]] void* executable() const { return executable_; }

 private:
  void* executable_;
};

/// All work of one backend, in order, on one device.
class Stream {
 public:
  explicit Stream(int device);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] int device() const { return device_; }
  [[nodiscard]] void* handle() const { return handle_; }
  /// Where kernels report a Fault.
  [[nodiscard]] Fault* faults() const { return faults_; }

  /// Error(memory) names the bytes asked for and the bytes free.
  [[nodiscard]] void* allocate(std::size_t bytes);
  void release(void* memory) noexcept;
  void zero(void* memory, std::size_t bytes);
  /// Between any two places, host or device.  The host's may be used again after wait().
  void copy(void* to, const void* from, std::size_t bytes);
  /// Puts host values at `to` in device memory; keeps them until the next wait().
  template <class T>
  void upload(T* to, std::vector<T> values) {
    refuse_while_capturing("brings host memory");
    const auto kept = std::make_shared<const std::vector<T>>(std::move(values));
    copy(to, kept->data(), kept->size() * sizeof(T));
    kept_.push_back(kept);
  }
  /// What `work` puts on this stream, not done yet.  Error(bug) where it waits, brings host memory, or
  /// frees memory that was there before.
  [[nodiscard]] std::unique_ptr<CapturedGraph> capture(const std::function<void()>& work);
  void launch(const CapturedGraph& graph);
  /// Error(bug) "recorded work `what`" while work is captured.
  void refuse_while_capturing(const char* what) const;
  /// The most memory that was in use at once outside graphs, and the most that graphs used: together at least the peak.
  [[nodiscard]] std::int64_t peak_bytes() const;

  /// Error(device) where anything since the last wait went wrong, Error(bug) where a kernel reported a Fault.
  void wait();

  /// Makes the stream's device the calling thread's.
  void use() const;
  /// Error(device) where the launch just made was refused.
  static void check_launch(const char* op);

 private:
  int device_;
  bool capturing_ = false, spoiled_ = false;
  void* handle_ = nullptr;
  Fault* faults_ = nullptr;
  Fault seen_{};  ///< where wait() has it copied: a copy may come after a wait that failed
  std::vector<std::shared_ptr<const void>> kept_;  ///< host memory of copies under way
};

/// Device memory for as long as this object lives, or longer: it is reused only by later work of the stream.
template <class T>
class Scratch {
 public:
  Scratch(Stream& stream, std::int64_t count)
      : stream_(stream), data_(static_cast<T*>(stream.allocate(static_cast<std::size_t>(count) * sizeof(T)))) {}
  ~Scratch() { stream_.release(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] T* data() const { return data_; }

 private:
  Stream& stream_;
  T* data_;
};

}  // namespace scnn::cuda
