#include "scnn/nn/channel_set.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scnn/core/error.h"

namespace scnn {

ChannelSet::ChannelSet(std::int32_t original) : original_(original), live_(static_cast<std::size_t>(original)) {
  std::iota(live_.begin(), live_.end(), 0);
}

ChannelSet::ChannelSet(std::int32_t original, std::vector<std::int32_t> live)
    : original_(original), live_(std::move(live)) {
  const bool increasing = std::ranges::adjacent_find(live_, std::greater_equal<>()) == live_.end();
  const bool inside = live_.empty() || (live_.front() >= 0 && live_.back() < original_);
  require(increasing && inside, ErrorKind::bug, "ChannelSet: channels must increase and lie within the original ones");
}

std::int32_t ChannelSet::position(std::int32_t channel) const {
  const auto found = std::ranges::lower_bound(live_, channel);
  return found != live_.end() && *found == channel ? static_cast<std::int32_t>(found - live_.begin()) : -1;
}

std::vector<std::int32_t> channel_map(const ChannelSet& from, const ChannelSet& to) {
  std::vector<std::int32_t> map;
  map.reserve(static_cast<std::size_t>(to.size()));
  for (const std::int32_t channel : to.live()) map.push_back(from.position(channel));
  return map;
}

}  // namespace scnn
