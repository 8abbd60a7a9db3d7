#pragma once

#include "cuda/conv/bf16/conv_gather.h"
#include "cuda/conv/bf16/warp_product.h"

namespace scnn::cuda {

/// Runs compute(stage) for each of `steps` steps while load(step, stage) fetches kStages - 1 steps ahead.  Every thread
/// of the block takes part.  On return other threads may still read the last stage.
template <int kStages, class Load, class Compute>
__device__ __forceinline__ void run_pipeline(int steps, const Load& load, const Compute& compute) {
  static_assert(kStages >= 2);
  GPU_UNROLL
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < steps) load(s, s);
    gpu::cp_commit();
  }
  int stage = 0;
  int free_stage = kStages - 1;
  for (int t = 0; t < steps; ++t) {
    gpu::cp_wait<kStages - 2>();  // step t has landed for this thread,
    __syncthreads();              // for all threads, and all have left the stage that is filled next
    if (t + kStages - 1 < steps) load(t + kStages - 1, free_stage);
    gpu::cp_commit();  // also where nothing was loaded: the wait counts groups
    compute(stage);
    stage = stage + 1 == kStages ? 0 : stage + 1;
    free_stage = free_stage + 1 == kStages ? 0 : free_stage + 1;
  }
}

/// The source pixels that one thread copies into a tile of pixels: rows `first`, `first` + kStride, ...
template <int kCount, int kStride>
struct PixelRows {
  int base[kCount];    ///< of tap (0, 0), in chunks from the start of the source; may lie outside it
  int origin[kCount];  ///< its row in the upper 16 bits, its column in the lower

  /// Rows from `end` on read zeros.
  __device__ __forceinline__ void locate(const ConvGather& g, int first, int end) {
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int m = first + i * kStride;
      base[i] = 0;
      origin[i] = -(1 << 30);  // row -16384: outside whatever the tap
      if (m >= end) continue;
      const ConvGather::Pixel p = g.pixel(m);
      const int row = p.row * g.h.mult + g.h.offset;
      const int column = p.column * g.w.mult + g.w.offset;
      base[i] = ((p.image * g.h.source + row) * g.w.source + column) * g.source_chunks;
      origin[i] = static_cast<int>(static_cast<unsigned>(row) << 16 | (static_cast<unsigned>(column) & 0xffffU));
    }
  }

  /// Starts copying chunk `chunk` of each row at a tap; `to(i)` is where row i of this thread goes.
  template <class To>
  __device__ __forceinline__ void copy(const ConvGather& g, const Bf16* source, int tap_h, int tap_w, int chunk,
                                       bool valid, const To& to) const {
    const int dh = tap_h * g.h.step;
    const int dw = tap_w * g.w.step;
    const int shift = (dh * g.w.source + dw) * g.source_chunks + chunk;
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int row = (origin[i] >> 16) + dh;
      const int column = static_cast<std::int16_t>(origin[i] & 0xffff) + dw;
      const bool inside = valid && static_cast<unsigned>(row) < static_cast<unsigned>(g.h.source) &&
                          static_cast<unsigned>(column) < static_cast<unsigned>(g.w.source);
      gpu::cp_async16(to(i), source + (inside ? static_cast<std::int64_t>(base[i] + shift) * kChunk : 0), inside);
    }
  }
};

}  // namespace scnn::cuda
