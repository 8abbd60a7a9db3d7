#include "data/augment_steps.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "scnn/core/error.h"
#include "scnn/data/batches.h"

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

AugmentStep step_of(const Pad& pad) {
  if (pad.pad < 0 || pad.pad > 1024) {
    throw Error(ErrorKind::experiment, "data.augment: pad.pad is " + std::to_string(pad.pad) + ", use 0 to 1024");
  }
  return {AugmentStep::Kind::pad, static_cast<std::int32_t>(pad.pad), 1};
}

AugmentStep step_of(const Crop& /*crop*/) { return {AugmentStep::Kind::crop}; }
AugmentStep step_of(const AutoAugment& /*policy*/) { return {AugmentStep::Kind::auto_augment}; }

AugmentStep step_of(const RandomErasing& e) {
  if (!(e.probability >= 0 && e.probability <= 1 && e.min_area >= 0 && e.min_area <= e.max_area && e.max_area <= 1 &&
        e.min_ratio > 0 && e.min_ratio <= e.max_ratio)) {
    throw Error(ErrorKind::experiment,
                "data.augment: random_erasing needs a probability of 0 to 1, 0 <= min_area <= max_area <= 1 and 0 < "
                "min_ratio <= max_ratio");
  }
  const auto pair = [](double low, double high) {
    return std::pair(static_cast<float>(low), static_cast<float>(high));
  };
  AugmentStep step{AugmentStep::Kind::random_erasing, 0, static_cast<float>(e.probability)};
  std::tie(step.area[0], step.area[1]) = pair(e.min_area, e.max_area);
  std::tie(step.ratio[0], step.ratio[1]) = pair(e.min_ratio, e.max_ratio);
  return step;
}

/// Steps that do not go together.
void check_order(const AugmentSteps& steps) {
  using Kind = AugmentStep::Kind;
  bool padded = false, cut = false;
  for (int i = 0; i < steps.count; ++i) {
    const Kind kind = steps.step[i].kind;
    padded = (padded || kind == Kind::pad) && kind != Kind::crop;
    cut = cut || kind == Kind::cutout;
    if (cut && kind == Kind::auto_augment) {
      throw Error(ErrorKind::experiment,
                  "data.augment: auto_augment takes 8-bit pixels, which have no mean colour: put cutout behind it");
    }
  }
  if (padded) {
    throw Error(ErrorKind::experiment,
                "data.augment: pad leaves a larger image than the network takes: put {type: crop} behind it, or use "
                "pad_crop");
  }
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
  check_order(steps);
  return steps;
}

std::string augment_problem(const std::vector<Augmentation>& list) {
  try {
    static_cast<void>(steps_of(list));
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

bool needs_host(const std::vector<Augmentation>& list) {
  return std::ranges::any_of(list, [](const auto& one) { return std::holds_alternative<AutoAugment>(one); });
}

}  // namespace scnn
