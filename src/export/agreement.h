#pragma once

#include <cstdint>
#include <span>

namespace scnn {

/// How far the logits of two engines are apart on the same images.
struct Agreement {
  std::int64_t images = 0;
  double max_diff = 0;           ///< relative_difference: of the largest logit
  std::int64_t top1_differ = 0;  ///< images that the two take for different classes
  /// Of these, images for whose two classes the expected logits are at most twice the largest difference apart: each
  /// may have moved by it.
  std::int64_t near_ties = 0;

  /// Within `tolerance`, and the same classes but for near ties.
  [[nodiscard]] bool within(double tolerance) const { return max_diff <= tolerance && top1_differ == near_ties; }
};

/// Both are [images, classes]; where `found` has another length, nothing agrees.
[[nodiscard]] Agreement compare_logits(std::span<const float> expected, std::span<const float> found,
                                       std::int64_t classes);

}  // namespace scnn
