#include "settings/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scnn/core/error.h"

namespace scnn::config {

bool NumberRange::contains(double value) const {
  return (open_min ? value > min : value >= min) && (open_max ? value < max : value <= max);
}

std::string NumberRange::str() const {
  if (std::isinf(min) && std::isinf(max)) return "";
  if (std::isinf(max)) return fmt::format("{} {}", open_min ? "above" : "at least", min);
  if (min == max) return fmt::format("{}", min);
  return fmt::format("in {}{}, {}{}", open_min ? '(' : '[', min, max, open_max ? ')' : ']');
}

std::size_t option_of(std::span<const Option> options, int value) {
  const auto found = std::ranges::find(options, value, &Option::value);
  require(found != options.end(), ErrorKind::bug, "settings: a value without a name");
  return static_cast<std::size_t>(found - options.begin());
}

bool applies(std::string_view types, std::string_view type) {
  if (types.empty()) return true;
  while (!types.empty()) {
    const std::size_t end = std::min(types.find(", "), types.size());
    if (types.substr(0, end) == type) return true;
    types.remove_prefix(std::min(end + 2, types.size()));
  }
  return false;
}

}  // namespace scnn::config
