#include "cuda/conv/bf16/conv_gemm.h"
#include "cuda/conv/bf16/conv_pipeline.h"
#include "cuda/tuning.h"

namespace scnn::cuda {
namespace {

template <class Out>
struct ConvGemmCall {
  ConvGemm<Out> args;
  ReductionOrder order;
  FastDivide by_n_tiles;
};

template <class Tile>
struct ConvGemmMemory {
  static constexpr int kPitch = Tile::kN + 8;  // the float2 stores of WarpProduct::store then meet no bank twice
  union {
    struct {
      Bf16 a[Tile::kStages][Tile::kM * Tile::kK];
      Bf16 b[Tile::kStages][Tile::kN * Tile::kK];
    } stages;
    float sums[Tile::kM * kPitch];
  };
  int dest[Tile::kM];
  float partial[Tile::kThreads];
};

/// Copies a step's weights, rows n of 8 * kSlab places of the reduction.
template <class Tile>
struct ForwardWeights {
  static constexpr int kStride = Tile::kThreads / Tile::kSlab, kCount = Tile::kN / kStride;
  static_assert(kCount * kStride == Tile::kN);

  template <class Out>
  __device__ __forceinline__ static void copy(const ConvGemmCall<Out>& call, int step, int n0, Bf16* tile) {
    const ConvGemm<Out>& c = call.args;
    const int tid = static_cast<int>(threadIdx.x);
    const int chunk = tid % Tile::kSlab;
    const int row = tid / Tile::kSlab;
    const ReductionOrder::Place p = call.order.place(step, chunk);
    const int tap = (c.gather.h.weight_first + p.tap_h * c.gather.h.weight_step) * c.gather.kernel_w +
                    c.gather.w.weight_first + p.tap_w * c.gather.w.weight_step;
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int n = n0 + row + i * kStride;
      const bool inside = p.valid && n < c.weight_rows;
      const int place = inside ? (n * c.weight_taps + tap) * c.weight_chunks + p.chunk : 0;
      gpu::cp_async16(tile + Swizzle<Tile::kSlab>::at(row + i * kStride, chunk),
                      c.weights + static_cast<std::int64_t>(place) * kChunk, inside);
    }
  }
};

/// Copies a step's weights, rows k (out channels at a tap) of kN in-channels.
template <class Tile>
struct BackwardWeights {
  static constexpr int kRowChunks = Tile::kN / kChunk;
  static constexpr int kStride = Tile::kThreads / kRowChunks, kCount = Tile::kK / kStride;
  static_assert(kCount * kStride == Tile::kK);

  template <class Out>
  __device__ __forceinline__ static void copy(const ConvGemmCall<Out>& call, int step, int n0, Bf16* tile) {
    const ConvGemm<Out>& c = call.args;
    const int tid = static_cast<int>(threadIdx.x);
    const int chunk = tid % kRowChunks;
    const int column = n0 / kChunk + chunk;
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int row = tid / kRowChunks + i * kStride;
      const ReductionOrder::Place p = call.order.place(step, row / kChunk);
      const int tap = (c.gather.h.weight_first + p.tap_h * c.gather.h.weight_step) * c.gather.kernel_w +
                      c.gather.w.weight_first + p.tap_w * c.gather.w.weight_step;
      const int out_channel = p.chunk * kChunk + row % kChunk;
      const bool inside = p.valid && out_channel < c.weight_rows && column < c.weight_chunks;
      const int place = inside ? (out_channel * c.weight_taps + tap) * c.weight_chunks + column : 0;
      gpu::cp_async16(tile + Swizzle<kRowChunks>::at(row, chunk), c.weights + static_cast<std::int64_t>(place) * kChunk,
                      inside);
    }
  }
};

template <class Tile, WeightUse kUse, class Out>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks) conv_gemm(const ConvGemmCall<Out> call) {
  using Memory = ConvGemmMemory<Tile>;
  GPU_SMEM(Memory, memory);
  constexpr Layout kWeightLayout = kUse == WeightUse::forward ? Layout::k_inner : Layout::k_outer;
  constexpr int kStride = Tile::kThreads / Tile::kSlab;
  const ConvGather& g = call.args.gather;
  const int tid = static_cast<int>(threadIdx.x);
  const int lane = tid % 32;
  const int warp_m = tid / 32 / Tile::kWarpsN * Tile::kWarpM;
  const int warp_n = tid / 32 % Tile::kWarpsN * Tile::kWarpN;
  // Blocks that share pixels run side by side and find them in the L2 cache.
  const int tile_m = call.by_n_tiles.quotient(static_cast<int>(blockIdx.x));
  const int m0 = tile_m * Tile::kM;
  const int n0 = (static_cast<int>(blockIdx.x) - tile_m * call.by_n_tiles.divisor) * Tile::kN;

  const int chunk = tid % Tile::kSlab;
  PixelRows<Tile::kM / kStride, kStride> rows;
  rows.locate(g, m0 + tid / Tile::kSlab, g.pixels);
  for (int r = tid; r < Tile::kM; r += Tile::kThreads) {
    memory.dest[r] = m0 + r < g.pixels ? g.dest_pixel(m0 + r) : -1;
  }

  WarpProduct<Tile, Layout::k_inner, kWeightLayout> product;
  product.clear();
  run_pipeline<Tile::kStages>(
      call.order.steps,
      [&](int step, int stage) {
        Bf16* a = memory.stages.a[stage];
        const ReductionOrder::Place p = call.order.place(step, chunk);
        rows.copy(g, call.args.source, p.tap_h, p.tap_w, p.chunk, p.valid,
                  [&](int i) { return a + Swizzle<Tile::kSlab>::at(tid / Tile::kSlab + i * kStride, chunk); });
        if constexpr (kUse == WeightUse::forward) {
          ForwardWeights<Tile>::copy(call, step, n0, memory.stages.b[stage]);
        } else {
          BackwardWeights<Tile>::copy(call, step, n0, memory.stages.b[stage]);
        }
      },
      [&](int stage) { product.multiply(memory.stages.a[stage], memory.stages.b[stage], warp_m, warp_n, lane); });

  __syncthreads();  // the sums take the place of the operands
  product.store(memory.sums, Memory::kPitch, warp_m, warp_n, lane);
  __syncthreads();
  using End = Epilogue<Tile::kM, Tile::kN, Memory::kPitch, Tile::kThreads, Out>;
  const ConvOutput<Out>& o = call.args.output;
  End::store(memory.sums, memory.dest, n0, o.scale != nullptr ? o.scale + n0 : nullptr, o);
  if (o.moments != nullptr) {
    const int valid = g.pixels - m0 < Tile::kM ? g.pixels - m0 : Tile::kM;
    End::measure(memory.sums, memory.partial, valid, tile_m, n0, o);
  }
}

template <class Tile, class Out>
void launch_tile(Stream& stream, const char* op, WeightUse use, const ConvGemm<Out>& args) {
  ConvGemmCall<Out> call;
  call.args = args;
  call.order = ReductionOrder(args.gather.source_chunks, args.gather.h.taps, args.gather.w.taps, Tile::kSlab);
  const int n_tiles = (args.output.pitch + Tile::kN - 1) / Tile::kN;
  const int m_tiles = (args.gather.pixels + Tile::kM - 1) / Tile::kM;
  call.by_n_tiles = FastDivide(n_tiles > 0 ? n_tiles : 1);
  const auto blocks = static_cast<unsigned>(n_tiles * m_tiles);
  if (blocks == 0) return;
  static_assert(sizeof(ConvGemmMemory<Tile>) <= kMostSharedBytes);
  const auto run = [&](auto* kernel) {
    launch(stream, op, kernel, dim3(blocks), dim3(Tile::kThreads), sizeof(ConvGemmMemory<Tile>), call);
  };
  if (use == WeightUse::forward) {
    run(conv_gemm<Tile, WeightUse::forward, Out>);
  } else {
    run(conv_gemm<Tile, WeightUse::backward_data, Out>);
  }
}

//                     M    N   K  warp M, N  stages, blocks a multiprocessor
using M256N128 = TileShape<256, 128, 64, 64, 64, 3, 1>;
using M128N128 = TileShape<128, 128, 64, 64, 32, 3, 2>;
using M128N64 = TileShape<128, 64, 64, 32, 32, 3, 2>;
using M128N32 = TileShape<128, 32, 64, 32, 16, 3, 3>;
using M64N64 = TileShape<64, 64, 64, 32, 32, 4, 3>;

}  // namespace

TileExtents extents_of(ConvTile tile) {
  switch (tile) {
    case ConvTile::m256_n128:
      return {M256N128::kM, M256N128::kN};
    case ConvTile::m128_n128:
      return {M128N128::kM, M128N128::kN};
    case ConvTile::m128_n64:
      return {M128N64::kM, M128N64::kN};
    case ConvTile::m128_n32:
      return {M128N32::kM, M128N32::kN};
    case ConvTile::m64_n64:
      return {M64N64::kM, M64N64::kN};
  }
  return {};
}

template <class Out>
void launch_conv_gemm(Stream& stream, const char* op, ConvTile tile, WeightUse use, const ConvGemm<Out>& args) {
  switch (tile) {
    case ConvTile::m256_n128:
      return launch_tile<M256N128>(stream, op, use, args);
    case ConvTile::m128_n128:
      return launch_tile<M128N128>(stream, op, use, args);
    case ConvTile::m128_n64:
      return launch_tile<M128N64>(stream, op, use, args);
    case ConvTile::m128_n32:
      return launch_tile<M128N32>(stream, op, use, args);
    case ConvTile::m64_n64:
      return launch_tile<M64N64>(stream, op, use, args);
  }
}

template void launch_conv_gemm<float>(Stream&, const char*, ConvTile, WeightUse, const ConvGemm<float>&);
template void launch_conv_gemm<Bf16>(Stream&, const char*, ConvTile, WeightUse, const ConvGemm<Bf16>&);

}  // namespace scnn::cuda
