#pragma once

#include <cstddef>

/// Numbers that size grids and tiles for the target, an H200 (sm_90).  They are computed, not measured on a GPU.  They
/// depend on no device at hand: a sum's order, and with it its bits, follows from the shape alone.
namespace scnn::cuda {

/// Multiprocessors of an H200.
constexpr int kMultiprocessors = 132;
/// Blocks of a grid that walks over its tiles: two for each multiprocessor, so that one computes while the other waits.
constexpr int kBlocksAtOnce = 2 * kMultiprocessors;
/// Most blocks of a reduction: about four for each multiprocessor; more would only lengthen the list of partial sums.
constexpr int kReductionBlocks = 512;
/// Shared memory of the largest tile of the bf16 kernels, in bytes.  Compute capability 8.6, 8.9 and 12 have less in a
/// block (99 KiB).
constexpr std::size_t kMostSharedBytes = 146 * 1024;

}  // namespace scnn::cuda
