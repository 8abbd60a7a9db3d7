#pragma once

#include "scnn/core/tensor.h"
#include "scnn/nn/spec.h"

namespace scnn {

/// 32 images [32, h, w, c] of seeded noise in [-2, 2), on the host: what exported networks are compared on.
[[nodiscard]] Tensor probe_images(const InputSpec& input);

}  // namespace scnn
