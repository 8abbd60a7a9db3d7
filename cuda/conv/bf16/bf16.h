#pragma once

#include <cstdint>

#include "cuda/runtime/gpu.h"

/// bf16 as the tensor-core kernels store it: the upper half of a float.  Integers up to 256 in magnitude are exact.
namespace scnn::cuda {

using Bf16 = gpu::bf16;

/// Channels of a bf16 tensor come in chunks of 16 bytes, the unit of cp.async: its channel pitch is the width rounded
/// up to this, and the channels beyond the width hold 0.  Nothing outside the backend sees the padding.
inline constexpr int kChunk = 8;

GPU_HD constexpr int chunks_of(int channels) { return (channels + kChunk - 1) / kChunk; }
GPU_HD constexpr int padded_channels(int channels) { return chunks_of(channels) * kChunk; }

GPU_HD float to_float(Bf16 x) {
  union {
    std::uint32_t bits;
    float value;
  } u;
  u.bits = static_cast<std::uint32_t>(x.bits) << 16;
  return u.value;
}

/// Nearest, ties to even; NaN stays NaN.
GPU_HD Bf16 to_bf16(float x) {
#if defined(__CUDA_ARCH__)
  Bf16 y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
#else
  union {
    float value;
    std::uint32_t bits;
  } u;
  u.value = x;
  if (x != x) return {0x7fff};
  return {static_cast<std::uint16_t>((u.bits + 0x7fffU + (u.bits >> 16 & 1U)) >> 16)};
#endif
}

}  // namespace scnn::cuda
