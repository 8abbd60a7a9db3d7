#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "cuda/runtime/runtime.h"

namespace scnn::cuda {

/// WeightView on this device.
struct DeviceWeights {
  const float* values = nullptr;
  const float *bits = nullptr, *exponents = nullptr;
};

struct WeightIntegers;  // cuda/conv/bf16/bf16_passes.h

/// Keeps the integers of quantized weights from one op to the next: made when first asked for, made anew by the update
/// of a training step, and out of date as soon as anything else writes to values, bits or exponents.
///
/// Tensors are known by their address; whoever writes to one or frees it says so.
class WeightCache {
 public:
  explicit WeightCache(Stream& stream) : stream_(stream) {}

  /// The integers of `weights` [out, taps, in] as they are now.  None in recorded work unless they are there already:
  /// memory made in a recording is the recording's.
  [[nodiscard]] WeightIntegers integers(const char* op, const DeviceWeights& weights, int out, int taps, int in);

  /// Where new integers of these weights go; none where nobody asked for any.
  [[nodiscard]] WeightIntegers place_of(const float* values) const;
  /// Weights and integers have been brought up to date together.
  void updated(const float* values);

  void written(const void* tensor);
  void freed(const void* tensor);

  /// Recorded work changes nothing until it is replayed: what it reads, what it writes, what it leaves up to date.
  class Recorded;
  [[nodiscard]] std::shared_ptr<const Recorded> record(const std::function<void()>& work);
  /// Around each replay.
  void before(const Recorded& recorded);
  void after(const Recorded& recorded);

 private:
  struct Entry;
  [[nodiscard]] Entry* find(const float* values) const;
  void make(const char* op, Entry& entry);

  Stream& stream_;
  std::vector<std::shared_ptr<Entry>> entries_;
  Recorded* recording_ = nullptr;
};

}  // namespace scnn::cuda
