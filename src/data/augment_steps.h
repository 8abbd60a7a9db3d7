#pragma once

#include <vector>

#include "scnn/backend/augment.h"
#include "scnn/data/options.h"

namespace scnn {

/// The settings' list in plain numbers.  Error(experiment) on what cannot be.
[[nodiscard]] AugmentSteps steps_of(const std::vector<Augmentation>& list);
/// Whether a step changes values as only the host does: then it prepares the batches, whatever the device.
[[nodiscard]] bool needs_host(const std::vector<Augmentation>& list);

}  // namespace scnn
