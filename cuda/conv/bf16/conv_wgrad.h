#pragma once

#include "cuda/conv/bf16/conv_gather.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {

/// Tiles of the weight gradient, out channels x columns (in channels at a tap).
enum class WgradTile { m128_n192, m128_n128, m64_n128, m64_n64, m32_n128 };
struct WgradExtents {
  int m, n, k;  ///< k: pixels a step
};
[[nodiscard]] WgradExtents extents_of(WgradTile tile);

/// partials [splits, out_channels, taps, in_channels]: split s sums over its own share of the pixels, so that nothing
/// is added by two blocks; who reads them adds s = 0, 1, ... in this order.
struct ConvWgrad {
  ConvGather gather;  ///< forward_gather
  const Bf16* x = nullptr;
  const Bf16* dy = nullptr;  ///< [pixels, padded out channels]
  int out_channels = 0, in_channels = 0;
  int splits = 1;
  float* partials = nullptr;
};

void launch_conv_wgrad(Stream& stream, const char* op, WgradTile tile, const ConvWgrad& args);

/// The same for few input channels, where padding each to 8 would waste the product: the columns of all taps are packed
/// side by side, x is read in float as it is, and dy once for 64 out channels.
struct NarrowWgrad {
  ConvGather gather;         ///< forward_gather; source_chunks is not used
  const float* x = nullptr;  ///< [batch, in_h, in_w, in_channels]
  const Bf16* dy = nullptr;
  int out_channels = 0, in_channels = 0;
  int splits = 1;
  float* partials = nullptr;
};
inline constexpr int kNarrowColumns = 80;  ///< most taps * in channels
inline constexpr int kNarrowPixels = 64;   ///< a step
inline constexpr int kNarrowOut = 64;      ///< out channels a block

void launch_narrow_wgrad(Stream& stream, const char* op, const NarrowWgrad& args);

}  // namespace scnn::cuda
