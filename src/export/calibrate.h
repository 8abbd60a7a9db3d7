#pragma once

#include "scnn/packed/packed.h"

namespace scnn {

/// Gives a scale and a zero point to each activation that the C runtime can read as uint8: the inputs of dense
/// convolutions and linear layers whose integers all fit 8 bits.  They are asymmetric, hold 0 exactly, and are the
/// ends, of some 60 tried, with the least squared error on `images` [n, h, w, c], normalized, on the host: outliers are
/// clipped.  Error(usage) where the network has no such layer.
void calibrate(PackedModel& model, Backend& backend, const Tensor& images);

/// `n` images of the training split, evenly spread, normalized as the model says; all where it has fewer.
[[nodiscard]] Tensor calibration_images(const PackedModel& model, const Dataset& data, std::int64_t n);

}  // namespace scnn
