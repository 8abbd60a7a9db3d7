#pragma once

#include "cuda/conv/bf16/bf16.h"

/// Operand tiles in shared memory and the part of a block's product that one warp computes.
namespace scnn::cuda {

/// A shared-memory tile of rows of `kRowChunks` 16-byte chunks.  Chunk c of row r lies at c ^ f(r), so that the eight
/// rows an ldmatrix phase reads at one c, and the eight chunks a cp.async phase writes, fall into different groups of
/// four banks.  tools/check_resources.py enumerates all phases and counts conflicts.
template <int kRowChunks>
struct Swizzle {
  static_assert(kRowChunks == 4 || kRowChunks % 8 == 0);
  /// Place of chunk `c` of row `r` in the tile, in elements.
  [[nodiscard]] GPU_HD static constexpr int at(int r, int c) {
    const int swap = kRowChunks == 4 ? r >> 1 & 3 : r & 7;
    return (r * kRowChunks + (c ^ swap)) * kChunk;
  }
};

/// How a tile stores its operand: `k_inner` rows are m (or n) with k along the row; `k_outer` rows are k.
enum class Layout { k_inner, k_outer };

/// Shape of the product of one block: kM x kN outputs, kK of the reduction a step, kStages tiles in flight.  A warp
/// computes kWarpM x kWarpN; kBlocks blocks share a multiprocessor (a bound on registers).
template <int kM_, int kN_, int kK_, int kWarpM_, int kWarpN_, int kStages_, int kBlocks_>
struct TileShape {
  static constexpr int kM = kM_, kN = kN_, kK = kK_, kWarpM = kWarpM_, kWarpN = kWarpN_;
  static constexpr int kStages = kStages_, kBlocks = kBlocks_;
  static constexpr int kWarpsN = kN / kWarpN, kWarps = kM / kWarpM * kWarpsN, kThreads = 32 * kWarps;
  static constexpr int kSlab = kK / kChunk;           ///< chunks of k a step
  static constexpr int kSharedM = kM, kSharedN = kN;  ///< row lengths of k_outer tiles
  static_assert(kM % kWarpM == 0 && kN % kWarpN == 0 && kWarpM % 16 == 0 && kWarpN % 16 == 0 && kK % 16 == 0);
};

/// 16 x 16 operand fragments of mma.m16n8k16 at (row of m or n, k) of a tile.  As the left operand the registers are
/// (m, k) quarters in the order (0,0) (8,0) (0,8) (8,8); as the right one (n, k) quarters (0,0) (0,8) (8,0) (8,8).
template <class Tile, Layout kLayout, int kExtent, bool kLeft>
__device__ __forceinline__ void load_fragment(std::uint32_t (&fragment)[4], const Bf16* tile, int row, int k,
                                              int lane) {
  const int eight = lane % 8;
  const int second = lane / 8 % 2;
  const int fourth = lane / 16;
  const int row_half = kLeft ? second : fourth;
  const int k_half = kLeft ? fourth : second;
  if constexpr (kLayout == Layout::k_inner) {
    gpu::ldmatrix_x4(fragment, tile + Swizzle<Tile::kSlab>::at(row + row_half * 8 + eight, k / kChunk + k_half));
  } else {
    gpu::ldmatrix_x4_trans(fragment,
                           tile + Swizzle<kExtent / kChunk>::at(k + k_half * 8 + eight, row / kChunk + row_half));
  }
}

/// The accumulators of one warp.
template <class Tile, Layout kLayoutA, Layout kLayoutB>
struct WarpProduct {
  static constexpr int kRows = Tile::kWarpM / 16, kColumns = Tile::kWarpN / 8;
  float sums[kRows][kColumns][4];

  __device__ __forceinline__ void clear() {
    GPU_UNROLL
    for (int i = 0; i < kRows; ++i) {
      GPU_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        GPU_UNROLL
        for (int e = 0; e < 4; ++e) sums[i][j][e] = 0.0F;
      }
    }
  }

  /// sums += A B^T over the kK places of one step.
  __device__ __forceinline__ void multiply(const Bf16* a, const Bf16* b, int warp_m, int warp_n, int lane) {
    GPU_UNROLL
    for (int k = 0; k < Tile::kK; k += 16) {
      std::uint32_t left[kRows][4];
      std::uint32_t right[kColumns / 2][4];
      GPU_UNROLL
      for (int i = 0; i < kRows; ++i) {
        load_fragment<Tile, kLayoutA, Tile::kSharedM, true>(left[i], a, warp_m + 16 * i, k, lane);
      }
      GPU_UNROLL
      for (int j = 0; j < kColumns / 2; ++j) {
        load_fragment<Tile, kLayoutB, Tile::kSharedN, false>(right[j], b, warp_n + 16 * j, k, lane);
      }
      GPU_UNROLL
      for (int i = 0; i < kRows; ++i) {
        GPU_UNROLL
        for (int j = 0; j < kColumns; ++j) {
          const std::uint32_t pair[2] = {right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]};
          gpu::mma_bf16(sums[i][j], left[i], pair);
        }
      }
    }
  }

  /// Writes the sums to a row-major tile in shared memory.
  __device__ __forceinline__ void store(float* tile, int pitch, int warp_m, int warp_n, int lane) const {
    GPU_UNROLL
    for (int i = 0; i < kRows; ++i) {
      GPU_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        float* to = tile + (warp_m + 16 * i + lane / 4) * pitch + warp_n + 8 * j + lane % 4 * 2;
        *reinterpret_cast<float2*>(to) = {sums[i][j][0], sums[i][j][1]};
        *reinterpret_cast<float2*>(to + 8 * pitch) = {sums[i][j][2], sums[i][j][3]};
      }
    }
  }
};

}  // namespace scnn::cuda
