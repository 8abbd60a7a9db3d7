#pragma once

#include <vector>

#include "scnn/backend/augment.h"
#include "scnn/data/options.h"

namespace scnn {

/// The settings' list in plain numbers.  Error(experiment) on what cannot be.
[[nodiscard]] AugmentSteps steps_of(const std::vector<Augmentation>& list);

}  // namespace scnn
