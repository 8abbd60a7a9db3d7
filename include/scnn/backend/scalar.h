#pragma once

#include "scnn/core/host_device.h"

namespace scnn {

/// A number of a call: given with it, or standing in memory of the backend's device when the work is done.  The second
/// kind may change between the replays of a Recording.
struct Scalar {
  float value = 0;
  const float* at = nullptr;

  SCNN_HOST_DEVICE Scalar() {}  // NOLINT(modernize-use-equals-default): also for device code
  SCNN_HOST_DEVICE Scalar(float v) : value(v) {}
  [[nodiscard]] static Scalar standing_at(const float* place) {
    Scalar scalar;
    scalar.at = place;
    return scalar;
  }
  [[nodiscard]] SCNN_HOST_DEVICE float get() const { return at != nullptr ? *at : value; }

  friend bool operator==(const Scalar&, const Scalar&) = default;
};

}  // namespace scnn
