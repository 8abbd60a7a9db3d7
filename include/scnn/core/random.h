#pragma once

#include <cstdint>

#include "scnn/core/host_device.h"

namespace scnn {

/// Four independent 32-bit draws.
struct Draws {
  std::uint32_t v[4];
};

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the draws are a pure function
/// of key and counter, so they do not depend on threads, devices or the order of calls.
SCNN_HOST_DEVICE inline Draws philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high) {
  std::uint32_t c0 = static_cast<std::uint32_t>(counter_low);
  std::uint32_t c1 = static_cast<std::uint32_t>(counter_low >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(counter_high);
  std::uint32_t c3 = static_cast<std::uint32_t>(counter_high >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(key);
  std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = static_cast<std::uint64_t>(0xD2511F53U) * c0;
    const std::uint64_t p1 = static_cast<std::uint64_t>(0xCD9E8D57U) * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return {{c0, c1, c2, c3}};
}

/// Uniform in [0, 1) with 24 bits, from one draw.
SCNN_HOST_DEVICE inline float uniform(std::uint32_t draw) {
  return static_cast<float>(draw >> 8) * (1.0F / 16777216.0F);
}

/// What a stream of draws is for: streams of one seed with different purposes are independent.
enum class Stream : std::uint32_t {
  initialize = 1,
  shuffle,
  augment,
  dropout,
  synthetic,
  split,
  probe,
  sweep,
  pseudo_noise,
  thin
};

/// A named, counter-based stream: draw (index, sub) is the same whoever asks, and whenever.
class RandomStream {
 public:
  /// `lane` separates streams of the same purpose (a layer, an epoch).
  SCNN_HOST_DEVICE RandomStream(std::uint64_t seed, Stream purpose, std::uint32_t lane = 0)
      : key_(seed), high_((static_cast<std::uint64_t>(purpose) << 32) | lane) {}

  /// The stream of one step of many: the key holds seed and step, the lane a layer.  The step's number stands in
  /// memory, low word first, and is read by resolved(), which comes before all draws.
  RandomStream(std::uint64_t seed, const std::int32_t* step, Stream purpose, std::uint32_t lane)
      : RandomStream(seed, purpose, lane) {
    step_ = step;
  }
  /// The same for a step's number given here.
  [[nodiscard]] SCNN_HOST_DEVICE static RandomStream of_step(std::uint64_t seed, std::uint64_t step, Stream purpose,
                                                             std::uint32_t lane) {
    const Draws key = philox(seed, step, static_cast<std::uint64_t>(purpose));
    return {(static_cast<std::uint64_t>(key.v[0]) << 32) | key.v[1], purpose, lane};
  }
  [[nodiscard]] SCNN_HOST_DEVICE RandomStream resolved() const {
    if (step_ == nullptr) return *this;
    const std::uint64_t step =
        static_cast<std::uint64_t>(static_cast<std::uint32_t>(step_[1])) << 32 | static_cast<std::uint32_t>(step_[0]);
    return of_step(key_, step, static_cast<Stream>(high_ >> 32), static_cast<std::uint32_t>(high_));
  }

  SCNN_HOST_DEVICE Draws draws(std::uint64_t index) const { return philox(key_, index, high_); }
  /// Uniform integer in [0, bound), bound > 0, by multiply-shift of 64 bits (bias below 2^-32 * bound).
  SCNN_HOST_DEVICE std::uint64_t below(std::uint64_t index, std::uint64_t bound) const {
    const Draws d = draws(index);
    // The high word of a 64-bit product in two halves; every bound here is below 2^32.
    const std::uint64_t r = (static_cast<std::uint64_t>(d.v[0]) << 32) | d.v[1];
    return ((r >> 32) * bound + (((r & 0xFFFFFFFFU) * bound) >> 32)) >> 32;
  }
  [[nodiscard]] SCNN_HOST_DEVICE std::uint64_t key() const { return key_; }
  [[nodiscard]] SCNN_HOST_DEVICE std::uint64_t high() const { return high_; }

 private:
  std::uint64_t key_;
  std::uint64_t high_;
  const std::int32_t* step_ = nullptr;
};

}  // namespace scnn
