#pragma once

#include "cuda/conv/bf16/conv_epilogue.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {

/// Which operand of the product the weights' rows are.
enum class WeightUse {
  forward,        ///< out channel n reduces over (tap, in channel): rows of the weights lie along the reduction
  backward_data,  ///< in channel n reduces over (tap, out channel): read through transposed loads
};

/// Tiles the streaming kernel is compiled for, M x N.
enum class ConvTile { m256_n128, m128_n128, m128_n64, m128_n32, m64_n64 };
struct TileExtents {
  int m, n;
};
[[nodiscard]] TileExtents extents_of(ConvTile tile);

template <class Out>
struct ConvGemm {
  ConvGather gather;
  const Bf16* source = nullptr;   ///< forward: x, backward_data: dy times 2^e; [pixels, source_chunks * 8]
  const Bf16* weights = nullptr;  ///< [weight_rows, taps of the whole kernel, weight_chunks * 8], integers or values
  int weight_rows = 0, weight_taps = 1, weight_chunks = 1;
  ConvOutput<Out> output;
};

/// The convolution as an implicit product with bf16 operands and fp32 sums.  Weights stream through shared memory.
template <class Out>
void launch_conv_gemm(Stream& stream, const char* op, ConvTile tile, WeightUse use, const ConvGemm<Out>& args);

}  // namespace scnn::cuda
