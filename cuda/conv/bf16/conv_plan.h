#pragma once

#include "cuda/conv/bf16/conv_gemm.h"
#include "cuda/conv/bf16/conv_wgrad.h"

/// Which tiles a shape gets.  Rules depend on shapes alone, never on the GPU at hand: a sum's order, and so its bits,
/// are the same everywhere.  They count blocks for the target of cuda/tuning.h.
namespace scnn::cuda {

[[nodiscard]] ConvTile conv_tile(int pixels, int outputs);

struct WgradPlan {
  bool narrow = false;
  WgradTile tile = WgradTile::m128_n128;
  int splits = 1;
};
[[nodiscard]] WgradPlan wgrad_plan(const ConvGather& gather, int out_channels, int in_channels);

}  // namespace scnn::cuda
