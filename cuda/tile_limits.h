#pragma once

#include <cstddef>

namespace scnn::cuda {

/// Shared memory of the largest tile of the bf16 kernels, in bytes: more than compute capability 8.6, 8.9 and 12 have
/// in a block (99 KiB).
constexpr std::size_t kMostSharedBytes = 146 * 1024;

}  // namespace scnn::cuda
