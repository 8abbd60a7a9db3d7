#include "cuda/conv/bf16/conv_pipeline.h"
#include "cuda/conv/bf16/conv_wgrad.h"
#include "cuda/tuning.h"

namespace scnn::cuda {
namespace {

struct WgradCall {
  ConvWgrad args;
  FastDivide by_chunks, by_tap_w;
  int out_chunks = 0, taps = 1;
  int steps_per_split = 0;
};

template <class Tile>
struct WgradMemory {
  static constexpr int kPitch = Tile::kN + 8;
  union {
    struct {
      Bf16 a[Tile::kStages][Tile::kM * Tile::kK];
      Bf16 b[Tile::kStages][Tile::kN * Tile::kK];
    } stages;
    float sums[Tile::kM * kPitch];
  };
};

/// The columns of x that one thread copies: chunk `shift` from the pixel of tap (0, 0).
template <class Tile>
struct WgradColumns {
  static constexpr int kRowChunks = Tile::kN / kChunk;
  static constexpr int kCount = Tile::kK * kRowChunks / Tile::kThreads;
  static_assert(kCount * Tile::kThreads == Tile::kK * kRowChunks);

  int shift[kCount];
  int tap_place[kCount];  ///< row in the upper, column in the lower 16 bits; row 0x4000 lies outside every image

  __device__ __forceinline__ void locate(const WgradCall& call, int n0) {
    const ConvGather& g = call.args.gather;
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int q = n0 / kChunk + (static_cast<int>(threadIdx.x) + i * Tile::kThreads) % kRowChunks;
      const int tap = call.by_chunks.quotient(q);
      const int tap_h = call.by_tap_w.quotient(tap);
      const int dh = tap_h * g.h.step;
      const int dw = (tap - tap_h * call.by_tap_w.divisor) * g.w.step;
      shift[i] = (dh * g.w.source + dw) * g.source_chunks + q - tap * g.source_chunks;
      tap_place[i] = tap < call.taps ? dh << 16 | dw : 0x4000 << 16;
    }
  }

  __device__ __forceinline__ void copy(const WgradCall& call, int m0, int end, Bf16* tile) const {
    const ConvGather& g = call.args.gather;
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int index = static_cast<int>(threadIdx.x) + i * Tile::kThreads;
      const int m = m0 + index / kRowChunks;
      const ConvGather::Pixel p = g.pixel(m < end ? m : 0);
      const int row = p.row * g.h.mult + g.h.offset;
      const int column = p.column * g.w.mult + g.w.offset;
      const bool inside = m < end &&
                          static_cast<unsigned>(row + (tap_place[i] >> 16)) < static_cast<unsigned>(g.h.source) &&
                          static_cast<unsigned>(column + (tap_place[i] & 0xffff)) < static_cast<unsigned>(g.w.source);
      const int place = ((p.image * g.h.source + row) * g.w.source + column) * g.source_chunks + shift[i];
      gpu::cp_async16(tile + Swizzle<kRowChunks>::at(index / kRowChunks, index % kRowChunks),
                      call.args.x + (inside ? static_cast<std::int64_t>(place) * kChunk : 0), inside);
    }
  }
};

/// Both operands lie with pixels, the reduction, along their rows' index: both are read through transposed loads.
template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks) conv_wgrad(const WgradCall call) {
  using Memory = WgradMemory<Tile>;
  GPU_SMEM(Memory, memory);
  constexpr int kOutChunks = Tile::kM / kChunk;
  constexpr int kStride = Tile::kThreads / kOutChunks;
  static_assert(Tile::kK % kStride == 0);
  const ConvWgrad& c = call.args;
  const int tid = static_cast<int>(threadIdx.x);
  const int lane = tid % 32;
  const int warp_m = tid / 32 / Tile::kWarpsN * Tile::kWarpM;
  const int warp_n = tid / 32 % Tile::kWarpsN * Tile::kWarpN;
  const int n0 = static_cast<int>(blockIdx.x) * Tile::kN;
  const int m0 = static_cast<int>(blockIdx.y) * Tile::kM;
  const int split = static_cast<int>(blockIdx.z);
  const int first = split * call.steps_per_split * Tile::kK;
  const int share = c.gather.pixels - first;
  const int pixels = share < call.steps_per_split * Tile::kK ? share : call.steps_per_split * Tile::kK;
  const int end = first + pixels;
  const int steps = pixels > 0 ? (pixels + Tile::kK - 1) / Tile::kK : 0;

  WgradColumns<Tile> columns;
  columns.locate(call, n0);
  const int out_chunk = m0 / kChunk + tid % kOutChunks;
  WarpProduct<Tile, Layout::k_outer, Layout::k_outer> product;
  product.clear();
  run_pipeline<Tile::kStages>(
      steps,
      [&](int step, int stage) {
        const int pixel = first + step * Tile::kK;
        GPU_UNROLL
        for (int i = 0; i < Tile::kK / kStride; ++i) {
          const int row = tid / kOutChunks + i * kStride;
          const bool inside = pixel + row < end && out_chunk < call.out_chunks;
          const std::int64_t place = static_cast<std::int64_t>(pixel + row) * call.out_chunks + out_chunk;
          gpu::cp_async16(memory.stages.a[stage] + Swizzle<kOutChunks>::at(row, tid % kOutChunks),
                          c.dy + (inside ? place * kChunk : 0), inside);
        }
        columns.copy(call, pixel, end, memory.stages.b[stage]);
      },
      [&](int stage) { product.multiply(memory.stages.a[stage], memory.stages.b[stage], warp_m, warp_n, lane); });

  __syncthreads();  // the sums take the place of the operands
  product.store(memory.sums, Memory::kPitch, warp_m, warp_n, lane);
  __syncthreads();
  for (int index = tid; index < Tile::kM * Tile::kN; index += Tile::kThreads) {
    const int row = index / Tile::kN;
    const int column = index % Tile::kN;
    const int q = (n0 + column) / kChunk;
    const int tap = call.by_chunks.quotient(q);
    const int channel = (q - tap * c.gather.source_chunks) * kChunk + column % kChunk;
    if (m0 + row >= c.out_channels || tap >= call.taps || channel >= c.in_channels) continue;
    const std::int64_t out = static_cast<std::int64_t>(split) * c.out_channels + m0 + row;
    c.partials[(out * call.taps + tap) * c.in_channels + channel] = memory.sums[row * Memory::kPitch + column];
  }
}

template <class Tile>
void launch_tile(Stream& stream, const char* op, const ConvWgrad& args) {
  WgradCall call;
  call.args = args;
  call.by_chunks = FastDivide(args.gather.source_chunks);
  call.by_tap_w = FastDivide(args.gather.w.taps);
  call.out_chunks = chunks_of(args.out_channels);
  call.taps = args.gather.h.taps * args.gather.w.taps;
  const int steps = (args.gather.pixels + Tile::kK - 1) / Tile::kK;
  call.steps_per_split = (steps + args.splits - 1) / args.splits;
  const int columns = call.taps * args.gather.source_chunks * kChunk;
  const dim3 grid(static_cast<unsigned>((columns + Tile::kN - 1) / Tile::kN),
                  static_cast<unsigned>((args.out_channels + Tile::kM - 1) / Tile::kM),
                  static_cast<unsigned>(args.splits));
  static_assert(sizeof(WgradMemory<Tile>) <= kMostSharedBytes);
  launch(stream, op, conv_wgrad<Tile>, grid, dim3(Tile::kThreads), sizeof(WgradMemory<Tile>), call);
}

//                      M    N   K  warp M, N  stages, blocks a multiprocessor
using M128N192 = TileShape<128, 192, 32, 64, 48, 4, 1>;
using M128N128 = TileShape<128, 128, 32, 64, 32, 4, 2>;
using M64N128 = TileShape<64, 128, 32, 32, 32, 4, 2>;
using M64N64 = TileShape<64, 64, 32, 32, 32, 4, 3>;
using M32N128 = TileShape<32, 128, 32, 32, 32, 4, 3>;

}  // namespace

WgradExtents extents_of(WgradTile tile) {
  switch (tile) {
    case WgradTile::m128_n192:
      return {M128N192::kM, M128N192::kN, M128N192::kK};
    case WgradTile::m128_n128:
      return {M128N128::kM, M128N128::kN, M128N128::kK};
    case WgradTile::m64_n128:
      return {M64N128::kM, M64N128::kN, M64N128::kK};
    case WgradTile::m64_n64:
      return {M64N64::kM, M64N64::kN, M64N64::kK};
    case WgradTile::m32_n128:
      return {M32N128::kM, M32N128::kN, M32N128::kK};
  }
  return {};
}

void launch_conv_wgrad(Stream& stream, const char* op, WgradTile tile, const ConvWgrad& args) {
  if (args.out_channels == 0 || args.in_channels == 0) return;
  switch (tile) {
    case WgradTile::m128_n192:
      return launch_tile<M128N192>(stream, op, args);
    case WgradTile::m128_n128:
      return launch_tile<M128N128>(stream, op, args);
    case WgradTile::m64_n128:
      return launch_tile<M64N128>(stream, op, args);
    case WgradTile::m64_n64:
      return launch_tile<M64N64>(stream, op, args);
    case WgradTile::m32_n128:
      return launch_tile<M32N128>(stream, op, args);
  }
}

}  // namespace scnn::cuda
