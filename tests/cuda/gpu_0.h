#pragma once

#include "scnn/core/device.h"

namespace scnn::test {

/// The emulated device, or the first GPU (tests/gpu).
constexpr Device gpu_0{DeviceType::cuda, 0};

}  // namespace scnn::test
