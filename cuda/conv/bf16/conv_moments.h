#pragma once

#include "cuda/conv/bf16/conv_epilogue.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {

/// The second level of a batch norm's statistics: mean and biased variance [channels] of `pixels` values from the
/// moments that a convolution left for each tile of `tile_rows` pixels.  Sums in double and in fixed order.
struct MomentsOfTiles {
  const Moments* tiles = nullptr;  ///< [ceil(pixels / tile_rows), channels]
  int tile_rows = 1, pixels = 1, channels = 0;
  float* mean = nullptr;
  float* variance = nullptr;
};
void launch_finish_moments(Stream& stream, const char* op, const MomentsOfTiles& args);

}  // namespace scnn::cuda
