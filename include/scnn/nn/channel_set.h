#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace scnn {

/// The names of a tensor's channels: the sorted original indices still alive.  Original indices never change, so
/// tensors that lost different channels can still be added, concatenated or compared.
class ChannelSet {
 public:
  ChannelSet() = default;
  /// All of 0 .. original - 1.
  explicit ChannelSet(std::int32_t original);
  /// `live` strictly increasing, within 0 .. original - 1; Error(bug) otherwise.
  ChannelSet(std::int32_t original, std::vector<std::int32_t> live);

  [[nodiscard]] std::int32_t original() const noexcept { return original_; }
  [[nodiscard]] std::int32_t size() const noexcept { return static_cast<std::int32_t>(live_.size()); }
  [[nodiscard]] bool empty() const noexcept { return live_.empty(); }
  [[nodiscard]] std::span<const std::int32_t> live() const noexcept { return live_; }
  /// Place of an original channel among the live ones, or -1.
  [[nodiscard]] std::int32_t position(std::int32_t channel) const;
  [[nodiscard]] bool contains(std::int32_t channel) const { return position(channel) >= 0; }

  friend bool operator==(const ChannelSet&, const ChannelSet&) = default;

 private:
  std::int32_t original_ = 0;
  std::vector<std::int32_t> live_;
};

/// For each live channel of `to`, its place among the live channels of `from`, or -1: the argument of
/// Backend::gather.
[[nodiscard]] std::vector<std::int32_t> channel_map(const ChannelSet& from, const ChannelSet& to);

/// Names a channel set of a graph.
using SetId = int;
constexpr SetId no_set = -1;

}  // namespace scnn
