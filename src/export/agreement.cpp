#include "export/agreement.h"

#include <algorithm>

#include "core/difference.h"

namespace scnn {

Agreement compare_logits(std::span<const float> expected, std::span<const float> found, std::int64_t classes) {
  const auto width = static_cast<std::size_t>(classes);
  Agreement made;
  made.images = static_cast<std::int64_t>(expected.size() / width);
  made.max_diff = relative_difference(expected, found);
  if (found.size() != expected.size()) {
    made.top1_differ = made.images;
    return made;
  }
  double moved = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    moved = std::max(moved, std::abs(static_cast<double>(expected[i]) - static_cast<double>(found[i])));
  }
  const auto class_of = [width](std::span<const float> logits) {
    return static_cast<std::size_t>(std::ranges::max_element(logits.first(width)) - logits.begin());
  };
  for (std::size_t first = 0; first + width <= expected.size(); first += width) {
    const std::size_t a = class_of(expected.subspan(first)), b = class_of(found.subspan(first));
    if (a == b) continue;
    ++made.top1_differ;
    const double apart = static_cast<double>(expected[first + a]) - static_cast<double>(expected[first + b]);
    made.near_ties += apart <= 2 * moved ? 1 : 0;
  }
  return made;
}

}  // namespace scnn
