#include "backend/cpu/row_sums.h"

#include <utility>

namespace scnn::cpu {

void row_sums(const Workers& workers, const float* x, std::int64_t rows, std::int64_t channels, float* out) {
  if (channels == 0) return;
  const auto sums = row_sums(workers, FoldedRows(rows, channels), [=](std::int64_t at, std::int64_t) {
    return std::pair{x[at], 0.0F};
  });
  for (std::int64_t c = 0; c < channels; ++c) out[c] = static_cast<float>(sums[0][static_cast<std::size_t>(c)]);
}

}  // namespace scnn::cpu
