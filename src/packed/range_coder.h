#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// The coded form of integers: docs/file-format.md, "Coded integers".  A carry-propagating binary range coder after G.
/// N. N. Martin (1979) in the shape that LZMA made common, and counts that adapt.
namespace scnn::deploy {

constexpr unsigned probability_bits = 15;
constexpr std::uint32_t renormalize_below = 1U << 24U;

class RangeEncoder {
 public:
  /// `p`: the probability of a 1 in units of 2^-15, neither 0 nor 2^15.
  void bit(bool one, std::uint32_t p) {
    const std::uint32_t bound = (range_ >> probability_bits) * p;
    if (one) {
      range_ = bound;
    } else {
      low_ += bound;
      range_ -= bound;
    }
    while (range_ < renormalize_below) {
      range_ <<= 8U;
      shift();
    }
  }
  /// Bytes so far, those not yet certain included.
  [[nodiscard]] std::size_t size() const { return bytes_.size() + pending_ - 1; }
  /// The code, as short as a reader that goes on with zeros allows.
  [[nodiscard]] std::vector<std::byte> finish() {
    for (unsigned kept = 8; kept <= 32; kept += 8) {
      const std::uint64_t rest = (std::uint64_t{1} << (32 - kept)) - 1;
      const std::uint64_t value = (low_ + rest) & ~rest;
      if (value >= low_ + range_) continue;
      low_ = value;
      break;
    }
    for (int i = 0; i < 5; ++i) shift();
    bytes_.erase(bytes_.begin());  // what a first carry would go into: there is none, the code is below 1
    while (!bytes_.empty() && bytes_.back() == std::byte{0}) bytes_.pop_back();
    return std::move(bytes_);
  }

 private:
  void shift() {
    if (low_ < 0xFF000000U || low_ > 0xFFFFFFFFU) {
      const auto carry = static_cast<std::uint8_t>(low_ >> 32U);
      for (; pending_ > 0; --pending_) {
        bytes_.push_back(static_cast<std::byte>(held_ + carry));
        held_ = 0xFF;
      }
      held_ = static_cast<std::uint8_t>(low_ >> 24U);
    }
    ++pending_;
    low_ = (low_ & 0x00FFFFFFU) << 8U;
  }

  std::vector<std::byte> bytes_;
  std::uint64_t low_ = 0;
  std::uint32_t range_ = 0xFFFFFFFFU;
  std::uint8_t held_ = 0;  ///< the last byte that a carry may still change; `pending_` - 1 bytes 0xFF follow it
  std::size_t pending_ = 1;
};

class RangeDecoder {
 public:
  explicit RangeDecoder(std::span<const std::byte> code) : code_bytes_(code) {
    for (int i = 0; i < 4; ++i) code_ = (code_ << 8U) | next();
  }
  [[nodiscard]] bool bit(std::uint32_t p) {
    const std::uint32_t bound = (range_ >> probability_bits) * p;
    const bool one = code_ < bound;
    if (one) {
      range_ = bound;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    while (range_ < renormalize_below) {
      range_ <<= 8U;
      code_ = (code_ << 8U) | next();
    }
    return one;
  }
  /// Whether no byte is left that was not read.
  [[nodiscard]] bool at_end() const { return place_ >= code_bytes_.size(); }

 private:
  std::uint32_t next() {
    const std::size_t place = place_++;
    return place < code_bytes_.size() ? std::to_integer<std::uint32_t>(code_bytes_[place]) : 0U;
  }

  std::span<const std::byte> code_bytes_;
  std::size_t place_ = 0;
  std::uint32_t range_ = 0xFFFFFFFFU, code_ = 0;
};

/// How often each decision of a bisection was 0 and 1.
class Counts {
 public:
  struct Pair {
    std::uint32_t zero = 0, one = 0;
  };
  static constexpr std::size_t nodes = 64;

  [[nodiscard]] Pair& at(std::size_t node) { return pairs_[node]; }
  void clear() { pairs_.fill({}); }

 private:
  std::array<Pair, nodes> pairs_{};
};

/// A value in [low, high] by bisection: `bit(p, middle)` writes or reads whether it is at least `middle`, where p /
/// 2^15 is the probability that it is.  A channel (local) begins from what others like it were (shared).
template <class Bit>
std::int64_t bisect(std::int64_t low, std::int64_t high, Counts& shared, Counts& local, const Bit& bit) {
  constexpr std::uint32_t weight = 8, one = 1U << probability_bits,
                          least = 32;  // `weight`: what the shared counts count for
  for (std::size_t node = 1; low < high;) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    const auto above = static_cast<std::uint64_t>(high - middle + 1), below = static_cast<std::uint64_t>(middle - low);
    bool up = false;
    if (node >= Counts::nodes) {
      up = bit(static_cast<std::uint32_t>((above << probability_bits) / (above + below)), middle);
    } else {
      Counts::Pair &all = shared.at(node), &own = local.at(node);
      if (all.zero + all.one == 0) {
        all.one = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(64 * above / (above + below)));
        all.zero = std::max<std::uint32_t>(1, 64 - all.one);
      }
      const std::uint32_t prior = (all.one << probability_bits) / (all.zero + all.one);
      const std::uint32_t p = ((own.one << probability_bits) + weight * prior) / (own.zero + own.one + weight);
      up = bit(std::clamp(p, least, one - least), middle);
      (up ? all.one : all.zero) += 16;
      (up ? own.one : own.zero) += 1;
      if (all.zero + all.one >= 1U << 16U) all = {(all.zero + 1) / 2, (all.one + 1) / 2};
      if (own.zero + own.one >= 1U << 12U) own = {(own.zero + 1) / 2, (own.one + 1) / 2};
    }
    if (up) {
      low = middle;
    } else {
      high = middle - 1;
    }
    node = 2 * node + (up ? 1 : 0);
  }
  return low;
}

}  // namespace scnn::deploy
