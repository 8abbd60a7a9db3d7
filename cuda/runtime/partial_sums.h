#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "cuda/runtime/runtime.h"

namespace scnn::cuda {

/// Weight gradients that are still several partial sums: the update of a training step adds them on its way, and
/// whoever else asks for the gradient has them added first.
///
/// Tensors are known by their address, as in WeightCache: whoever reads, writes or frees one says so.
class PartialSums {
 public:
  explicit PartialSums(Stream& stream) : stream_(stream) {}

  /// Where a kernel writes `slices` partial sums of dw [count]; dw itself where that is one.
  class Room {
   public:
    Room(PartialSums& sums, const char* op, float* dw, int slices, std::int64_t count);
    [[nodiscard]] float* data() const { return data_; }
    /// Once the kernel is launched.
    void written();

   private:
    PartialSums& sums_;
    const char* op_;
    float *dw_, *data_;
    int slices_;
    std::int64_t count_;
    std::unique_ptr<Scratch<float>> scratch_;  ///< in recorded work, for which no memory can be kept
  };

  struct Sums {
    const float* data = nullptr;  ///< [slices, count]
    int slices = 1;
  };
  /// What waits for `dw`, for the one who adds it instead; dw itself where nothing does.
  [[nodiscard]] Sums take(const float* dw);

  /// Adds what waits for `tensor`.
  void finish(const void* tensor);
  void finish_all();
  void freed(const void* tensor);
  /// Work that is being captured, where nothing waits yet: it leaves nothing waiting.  What is returned keeps the
  /// memory that it used.
  [[nodiscard]] std::shared_ptr<const void> record(const std::function<void()>& work);

 private:
  struct Entry;
  [[nodiscard]] Entry* find(const void* dw) const;
  void add(Entry& entry);

  Stream& stream_;
  std::vector<std::shared_ptr<Entry>> entries_;
  int waiting_ = 0;
  bool recording_ = false;
};

}  // namespace scnn::cuda
