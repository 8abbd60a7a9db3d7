#pragma once

/// The order in which the device under test runs blocks and threads: shuffled by a seed where it is the emulator, its
/// own where it is a GPU (tests/gpu).
#if defined(SCNN_TEST_ON_GPU)

namespace scnn::test {
inline void use_schedule(unsigned /*seed*/) {}
}  // namespace scnn::test

#else

#include "emulator/device.h"

namespace scnn::test {
inline void use_schedule(unsigned seed) { emulator::device().seed = seed; }
}  // namespace scnn::test

#endif
