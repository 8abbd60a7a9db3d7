#pragma once

#include <array>
#include <span>

#include "backend/picture.h"
#include "scnn/core/random.h"

namespace scnn {

/// An operation of AutoAugment's search space (Cubuk et al., arXiv 1805.09501, table 6), as torchvision defines it.
enum class AutoAugmentOp {
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  auto_contrast,
  equalize,
  invert,
};

/// One operation of a sub-policy.
struct AutoAugmentStep {
  AutoAugmentOp op;
  float probability = 0;
  int level = 0;  ///< 0 to 9; nothing to the last three operations
};

/// The 25 sub-policies found on CIFAR-10 (the paper's table 7).
[[nodiscard]] std::span<const std::array<AutoAugmentStep, 2>> cifar10_policy();

/// Operation `op` at `level`; `negative`: to the other side, where there is one.
void apply(AutoAugmentOp op, int level, bool negative, Picture& image);

/// One sub-policy, drawn uniformly; each of its two operations with its probability and a random side.
void auto_augment(const Draws& draws, Picture& image);

}  // namespace scnn
