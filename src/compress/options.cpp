#include "scnn/compress/options.h"

#include <algorithm>
#include <cmath>

namespace scnn {

std::int64_t compressing_steps(const CompressionOptions& options, std::int64_t total) {
  if (options.freeze_fraction <= 0) return total;
  const auto frozen = std::llround(options.freeze_fraction * static_cast<double>(total));
  return total - std::min<std::int64_t>(std::max<std::int64_t>(frozen, 1), total - 1);
}

}  // namespace scnn
