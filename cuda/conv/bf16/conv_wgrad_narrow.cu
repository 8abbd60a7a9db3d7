#include "cuda/conv/bf16/conv_pipeline.h"
#include "cuda/conv/bf16/conv_wgrad.h"

namespace scnn::cuda {
namespace {

/// Four warps of 16 out channels each; x tiles have rows of a power of two, as the swizzle wants them.
template <int kColumns>
struct NarrowTile : TileShape<kNarrowOut, kColumns, kNarrowPixels, 16, kColumns, 3, kColumns <= 32 ? 3 : 2> {
  static constexpr int kSharedN = kColumns <= 32 ? 32 : 128;
};

struct NarrowCall {
  NarrowWgrad args;
  FastDivide by_channels, by_tap_w;
  int out_chunks = 0, columns = 0;
  int steps_per_split = 0;
};

template <class Tile>
struct NarrowMemory {
  static constexpr int kPitch = Tile::kN + 8;
  union {
    struct {
      Bf16 dy[Tile::kStages][Tile::kM * Tile::kK];
      Bf16 x[2][Tile::kSharedN * Tile::kK];
    } stages;
    float sums[Tile::kM * kPitch];
  };
  int shift[Tile::kN];      ///< of a column, in values from the pixel of tap (0, 0)
  int tap_place[Tile::kN];  ///< see WgradColumns
};

/// The values of x that one thread brings to a step, two neighbouring columns at a time.
template <class Tile>
struct NarrowColumns {
  static constexpr int kPairs = Tile::kN / 2, kCount = Tile::kK * kPairs / Tile::kThreads;
  static_assert(kCount * Tile::kThreads == Tile::kK * kPairs);
  float values[kCount][2];

  __device__ __forceinline__ void fetch(const NarrowCall& call, const NarrowMemory<Tile>& memory, int first, int end) {
    const ConvGather& g = call.args.gather;
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int index = static_cast<int>(threadIdx.x) + i * Tile::kThreads;
      const int m = first + index / kPairs;
      const ConvGather::Pixel p = g.pixel(m < end ? m : 0);
      const int row = p.row * g.h.mult + g.h.offset;
      const int column = p.column * g.w.mult + g.w.offset;
      const int base = ((p.image * g.h.source + row) * g.w.source + column) * call.args.in_channels;
      GPU_UNROLL
      for (int e = 0; e < 2; ++e) {
        const int n = index % kPairs * 2 + e;
        const int tap = memory.tap_place[n];
        const bool inside = m < end && static_cast<unsigned>(row + (tap >> 16)) < static_cast<unsigned>(g.h.source) &&
                            static_cast<unsigned>(column + (tap & 0xffff)) < static_cast<unsigned>(g.w.source);
        values[i][e] = inside ? call.args.x[base + memory.shift[n]] : 0.0F;
      }
    }
  }

  __device__ __forceinline__ void store(Bf16* tile) const {
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const int index = static_cast<int>(threadIdx.x) + i * Tile::kThreads;
      const int n = index % kPairs * 2;
      struct alignas(4) Pair {
        Bf16 values[2];
      };
      Bf16* to = tile + Swizzle<Tile::kSharedN / kChunk>::at(index / kPairs, n / kChunk) + n % kChunk;
      *reinterpret_cast<Pair*>(to) = {to_bf16(values[i][0]), to_bf16(values[i][1])};
    }
  }
};

template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks) narrow_wgrad(const NarrowCall call) {
  using Memory = NarrowMemory<Tile>;
  GPU_SMEM(Memory, memory);
  constexpr int kOutChunks = Tile::kM / kChunk;
  constexpr int kStride = Tile::kThreads / kOutChunks;
  const NarrowWgrad& c = call.args;
  const int tid = static_cast<int>(threadIdx.x);
  const int lane = tid % 32;
  const int warp_m = tid / 32 * Tile::kWarpM;
  const int m0 = static_cast<int>(blockIdx.x) * Tile::kM;
  const int split = static_cast<int>(blockIdx.y);
  const int first = split * call.steps_per_split * Tile::kK;
  const int share = c.gather.pixels - first;
  const int pixels = share < call.steps_per_split * Tile::kK ? share : call.steps_per_split * Tile::kK;
  const int end = first + pixels;
  const int steps = pixels > 0 ? (pixels + Tile::kK - 1) / Tile::kK : 0;

  for (int n = tid; n < Tile::kN; n += Tile::kThreads) {
    const int tap = call.by_channels.quotient(n);
    const int tap_h = call.by_tap_w.quotient(tap);
    const int dh = tap_h * c.gather.h.step;
    const int dw = (tap - tap_h * call.by_tap_w.divisor) * c.gather.w.step;
    memory.shift[n] = (dh * c.gather.w.source + dw) * c.in_channels + n - tap * c.in_channels;
    memory.tap_place[n] = n < call.columns ? dh << 16 | dw : 0x4000 << 16;
  }
  __syncthreads();

  const int out_chunk = m0 / kChunk + tid % kOutChunks;
  NarrowColumns<Tile> columns;
  WarpProduct<Tile, Layout::k_outer, Layout::k_outer> product;
  product.clear();
  if (steps > 0) {
    columns.fetch(call, memory, first, end);
    columns.store(memory.stages.x[0]);
  }
  int step = 0;
  run_pipeline<Tile::kStages>(
      steps,
      [&](int s, int stage) {
        const int pixel = first + s * Tile::kK;
        GPU_UNROLL
        for (int i = 0; i < Tile::kK / kStride; ++i) {
          const int row = tid / kOutChunks + i * kStride;
          const bool inside = pixel + row < end && out_chunk < call.out_chunks;
          const std::int64_t place = static_cast<std::int64_t>(pixel + row) * call.out_chunks + out_chunk;
          gpu::cp_async16(memory.stages.dy[stage] + Swizzle<kOutChunks>::at(row, tid % kOutChunks),
                          c.dy + (inside ? place * kChunk : 0), inside);
        }
      },
      [&](int stage) {
        const bool more = step + 1 < steps;
        if (more) columns.fetch(call, memory, first + (step + 1) * Tile::kK, end);  // on its way during the product
        product.multiply(memory.stages.dy[stage], memory.stages.x[step % 2], warp_m, 0, lane);
        if (more) columns.store(memory.stages.x[(step + 1) % 2]);
        ++step;
      });

  __syncthreads();  // the sums take the place of the operands
  product.store(memory.sums, Memory::kPitch, warp_m, 0, lane);
  __syncthreads();
  for (int index = tid; index < Tile::kM * Tile::kN; index += Tile::kThreads) {
    const int row = index / Tile::kN;
    const int column = index % Tile::kN;
    if (m0 + row >= c.out_channels || column >= call.columns) continue;
    const std::int64_t out = static_cast<std::int64_t>(split) * c.out_channels + m0 + row;
    c.partials[out * call.columns + column] = memory.sums[row * Memory::kPitch + column];
  }
}

template <class Tile>
void launch_tile(Stream& stream, const char* op, NarrowCall call) {
  const int steps = (call.args.gather.pixels + Tile::kK - 1) / Tile::kK;
  call.steps_per_split = (steps + call.args.splits - 1) / call.args.splits;
  const dim3 grid(static_cast<unsigned>((call.args.out_channels + Tile::kM - 1) / Tile::kM),
                  static_cast<unsigned>(call.args.splits));
  launch(stream, op, narrow_wgrad<Tile>, grid, dim3(Tile::kThreads), sizeof(NarrowMemory<Tile>), call);
}

}  // namespace

void launch_narrow_wgrad(Stream& stream, const char* op, const NarrowWgrad& args) {
  if (args.out_channels == 0 || args.in_channels == 0) return;
  NarrowCall call;
  call.args = args;
  call.by_channels = FastDivide(args.in_channels);
  call.by_tap_w = FastDivide(args.gather.w.taps);
  call.out_chunks = chunks_of(args.out_channels);
  call.columns = args.gather.h.taps * args.gather.w.taps * args.in_channels;
  if (call.columns <= 32) {
    launch_tile<NarrowTile<32>>(stream, op, call);
  } else {
    launch_tile<NarrowTile<kNarrowColumns>>(stream, op, call);
  }
}

}  // namespace scnn::cuda
