#pragma once

#include "cuda/conv/bf16/bf16.h"
#include "cuda/conv/bf16/conv_gather.h"

/// What happens to the sums of a convolution on their way to memory.
namespace scnn::cuda {

/// Mean and sum of squared differences from it.
struct Moments {
  float mean, squares;
};

/// out[pixel, n] = sum * scale[n] + bias[n].  `Out` is float or Bf16; columns from `channels` to `pitch` receive 0.
template <class Out>
struct ConvOutput {
  Out* out = nullptr;            ///< [pixels, pitch]
  const float* scale = nullptr;  ///< [channels] or null: the 2^e of integer weights
  const float* bias = nullptr;   ///< [channels] or null
  int channels = 0, pitch = 0;
  Moments* moments = nullptr;  ///< [tiles of kM pixels, channels] or null: of the values as stored
};

template <class Out>
GPU_HD Out as_stored(float x) {
  if constexpr (sizeof(Out) == sizeof(float)) {
    return x;
  } else {
    return to_bf16(x);
  }
}
GPU_HD float as_float(float x) { return x; }
GPU_HD float as_float(Bf16 x) { return to_float(x); }

/// Scales, stores and measures a tile of sums [kM, kN] that lies in shared memory with rows of kPitch floats.
template <int kM, int kN, int kPitch, int kThreads, class Out>
struct Epilogue {
  static constexpr int kUnit = 4;  ///< columns a thread stores at once
  static constexpr int kUnits = kN / kUnit, kStride = kThreads / kUnits;
  static_assert(kThreads % kUnits == 0 && kThreads % kN == 0);

  /// Row r of the tile goes to pixel dest[r], nowhere where that is negative.  Leaves the stored values in the tile.
  /// `scales`, of the tile's columns, may be null.
  __device__ __forceinline__ static void store(float* tile, const int* dest, int n0, const float* scales,
                                               const ConvOutput<Out>& o) {
    const int tid = static_cast<int>(threadIdx.x);
    const int n = tid % kUnits * kUnit;
    float scale[kUnit];
    float bias[kUnit];
    GPU_UNROLL
    for (int e = 0; e < kUnit; ++e) {
      const bool inside = n0 + n + e < o.channels;
      scale[e] = inside && scales != nullptr ? scales[n + e] : 1.0F;
      bias[e] = inside && o.bias != nullptr ? o.bias[n0 + n + e] : 0.0F;
    }
    const bool whole = o.pitch % kUnit == 0 && n0 + n + kUnit <= o.pitch;
    for (int row = tid / kUnits; row < kM; row += kStride) {
      const int pixel = dest[row];
      Out values[kUnit];
      GPU_UNROLL
      for (int e = 0; e < kUnit; ++e) {
        float& sum = tile[row * kPitch + n + e];
        values[e] = as_stored<Out>(sum * scale[e] + bias[e]);
        sum = as_float(values[e]);
      }
      if (pixel < 0) continue;
      Out* to = o.out + static_cast<std::int64_t>(pixel) * o.pitch + n0 + n;
      if (whole) {
        struct alignas(kUnit * sizeof(Out)) Unit {
          Out values[kUnit];
        };
        *reinterpret_cast<Unit*>(to) = {values[0], values[1], values[2], values[3]};
      } else {
        GPU_UNROLL
        for (int e = 0; e < kUnit; ++e) {
          if (n0 + n + e < o.pitch) to[e] = values[e];
        }
      }
    }
  }

  /// Moments of the tile's first `rows` rows into o.moments[tile_index]; `partial` holds kThreads floats.  Two passes,
  /// so nothing cancels; a fixed order, so equal bits.
  __device__ __forceinline__ static void measure(const float* tile, float* partial, int rows, int tile_index, int n0,
                                                 const ConvOutput<Out>& o) {
    constexpr int kGroups = kThreads / kN;
    const int tid = static_cast<int>(threadIdx.x);
    const int column = tid % kN;
    const auto total = [&](float x) {
      __syncthreads();
      partial[tid] = x;
      __syncthreads();
      float sum = 0;
      GPU_UNROLL
      for (int g = 0; g < kGroups; ++g) sum += partial[g * kN + column];
      return sum;
    };
    __syncthreads();  // the stored values are there
    float sum = 0;
    for (int row = tid / kN; row < rows; row += kGroups) sum += tile[row * kPitch + column];
    const float mean = total(sum) / static_cast<float>(rows);
    float squares = 0;
    for (int row = tid / kN; row < rows; row += kGroups) {
      const float d = tile[row * kPitch + column] - mean;
      squares += d * d;
    }
    squares = total(squares);
    if (tid < kN && n0 + column < o.channels) {
      o.moments[static_cast<std::int64_t>(tile_index) * o.channels + n0 + column] = {mean, squares};
    }
  }
};

}  // namespace scnn::cuda
