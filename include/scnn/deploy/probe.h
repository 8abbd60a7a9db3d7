#pragma once

#include "scnn/core/tensor.h"
#include "scnn/data/dataset.h"
#include "scnn/nn/spec.h"

namespace scnn {

/// 32 images [32, h, w, c] of seeded noise in [-2, 2), on the host: what exported networks are compared on.
[[nodiscard]] Tensor probe_images(const InputSpec& input);
/// Pixels, uint8 [n, h, w, c] on the host, as networks read them: v / 255 where there is no normalisation.
[[nodiscard]] Tensor normalised_images(const Tensor& pixels, const Normalisation& normalisation);

}  // namespace scnn
