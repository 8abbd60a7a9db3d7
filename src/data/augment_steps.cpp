#include "data/augment_steps.h"

#include <string>

#include "scnn/core/error.h"

namespace scnn {
namespace {

AugmentStep step_of(const PadCrop& crop) {
  if (crop.pad < 0 || crop.pad > 1024) {
    throw Error(ErrorKind::experiment, "data.augment: pad_crop.pad is " + std::to_string(crop.pad) + ", use 0 to 1024");
  }
  return {AugmentStep::Kind::pad_crop, static_cast<std::int32_t>(crop.pad), 1};
}

AugmentStep step_of(const HorizontalFlip& flip) {
  if (!(flip.probability >= 0 && flip.probability <= 1)) {
    throw Error(ErrorKind::experiment,
                "data.augment: horizontal_flip.probability is " + std::to_string(flip.probability) + ", use 0 to 1");
  }
  return {AugmentStep::Kind::horizontal_flip, 0, static_cast<float>(flip.probability)};
}

AugmentStep step_of(const Cutout& cutout) {
  if (cutout.size < 1 || cutout.size > 4096) {
    throw Error(ErrorKind::experiment,
                "data.augment: cutout.size is " + std::to_string(cutout.size) + ", use 1 to 4096");
  }
  return {AugmentStep::Kind::cutout, static_cast<std::int32_t>(cutout.size), 1};
}

}  // namespace

AugmentSteps steps_of(const std::vector<Augmentation>& list) {
  if (list.size() > max_augment_steps) {
    throw Error(ErrorKind::experiment, "data.augment has " + std::to_string(list.size()) + " steps, the limit is " +
                                           std::to_string(max_augment_steps));
  }
  AugmentSteps steps;
  for (const Augmentation& one : list) {
    steps.step[steps.count++] = std::visit([](const auto& kind) { return step_of(kind); }, one);
  }
  return steps;
}

}  // namespace scnn
