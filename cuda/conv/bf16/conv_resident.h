#pragma once

#include "cuda/conv/bf16/conv_gemm.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {

/// A convolution whose blocks read their weights once, quantize them into shared memory, and keep them for all their
/// pixels: no second copy of the weights exists, and the main loop fetches pixels alone.
template <class Out>
struct ResidentConv {
  ConvGather gather;
  const Bf16* source = nullptr;   ///< as for ConvGemm
  const float* values = nullptr;  ///< [out_channels, taps, in_channels], float
  const float* bits = nullptr;    ///< [out_channels] or null: the values as they are, rounded to bf16
  const float* exponents = nullptr;
  int out_channels = 0, in_channels = 0, taps = 1;
  ConvOutput<Out> output;  ///< its scale is not used: 2^e comes from `exponents`; backward_data has it in the source
};

/// Shared memory of a block in bytes; `outputs` is the pitch of the output.
[[nodiscard]] std::size_t resident_bytes(const ConvGather& gather, int outputs);
/// Rows of a tile of the resident kernel, the unit of ConvOutput::moments.
inline constexpr int kResidentRows = 128;

/// `blocks` a column of tiles: as many as the device holds at once.
template <class Out>
void launch_resident_conv(Stream& stream, const char* op, WeightUse use, const ResidentConv<Out>& args, int blocks);

}  // namespace scnn::cuda
