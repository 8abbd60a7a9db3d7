#include "cuda/conv/bf16/conv_pipeline.h"
#include "cuda/conv/bf16/conv_resident.h"
#include "scnn/core/number_format.h"

namespace scnn::cuda {
namespace {

template <class Out>
struct ResidentCall {
  ResidentConv<Out> args;
  ReductionOrder order;
  int m_tiles = 0;
};

template <class Tile>
struct alignas(128) ResidentMemory {
  static constexpr int kPitch = Tile::kN + 8;
  union {
    Bf16 pixels[Tile::kStages][Tile::kM * Tile::kK];
    float sums[Tile::kM * kPitch];
  };
  int dest[Tile::kM];
  float partial[Tile::kThreads];
  float scales[Tile::kN];
  // Behind it: a tile [kN, kK] of weights for each step.
};

/// Writes weight (n, tap of the gather, reduction channel) where the product of its step finds it.
template <class Tile>
__device__ __forceinline__ void place_weight(Bf16* weights, const ReductionOrder& order, int n, int tap, int channel,
                                             float value) {
  const int position = order.position(tap, channel / kChunk);
  const int step = position / Tile::kSlab;
  weights[step * Tile::kN * Tile::kK + Swizzle<Tile::kSlab>::at(n, position - step * Tile::kSlab) + channel % kChunk] =
      to_bf16(value);
}

/// The integers (or values) of this block's tile of weights, a warp for each row of consecutive floats.
template <class Tile, WeightUse kUse, class Out>
__device__ __forceinline__ void fill_weights(const ResidentCall<Out>& call, int n0, Bf16* weights, float* scales) {
  const ResidentConv<Out>& c = call.args;
  const ConvGather& g = c.gather;
  const int tid = static_cast<int>(threadIdx.x);
  const int lane = tid % 32;
  struct alignas(16) Zeros {
    Bf16 values[kChunk];
  };
  for (int i = tid; i < call.order.steps * Tile::kN * Tile::kSlab; i += Tile::kThreads) {
    reinterpret_cast<Zeros*>(weights)[i] = {};
  }
  __syncthreads();
  const int gather_taps = call.order.taps;
  // forward: rows of the tile are out channels; backward_data: in channels, so its rows are pieces of all out channels.
  const int first = kUse == WeightUse::forward ? n0 : 0;
  const int end = kUse == WeightUse::forward && n0 + Tile::kN < c.out_channels ? n0 + Tile::kN : c.out_channels;
  for (int row = tid / 32; row < (end - first) * gather_taps; row += Tile::kWarps) {
    const int out = first + call.order.by_taps.quotient(row);
    const int tap = row - (out - first) * gather_taps;
    const int tap_h = call.order.by_tap_w.quotient(tap);
    const int tap_w = tap - tap_h * call.order.by_tap_w.divisor;
    const int kernel_tap =
        (g.h.weight_first + tap_h * g.h.weight_step) * g.kernel_w + g.w.weight_first + tap_w * g.w.weight_step;
    const float* from = c.values + (static_cast<std::int64_t>(out) * c.taps + kernel_tap) * c.in_channels;
    const bool quantized = c.bits != nullptr;
    const ChannelFormat<float> format =
        quantized ? channel_format(c.bits[out], c.exponents[out]) : ChannelFormat<float>{1, 1, 0, 0};
    const auto integer = [&](float w) { return quantized ? quantize_integer(w, format) : w; };
    if constexpr (kUse == WeightUse::forward) {
      if (tap == 0 && lane == 0) scales[out - n0] = format.scale;
      for (int i = lane; i < c.in_channels; i += 32) {
        place_weight<Tile>(weights, call.order, out - n0, tap, i, integer(from[i]));
      }
    } else {
      for (int n = lane; n < Tile::kN && n0 + n < c.in_channels; n += 32) {
        place_weight<Tile>(weights, call.order, n, tap, out, integer(from[n0 + n]));
      }
    }
  }
}

template <class Tile, WeightUse kUse, class Out>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks) resident_conv(const ResidentCall<Out> call) {
  using Memory = ResidentMemory<Tile>;
  GPU_SMEM(Memory, memory);
  Bf16* weights = reinterpret_cast<Bf16*>(&memory + 1);
  constexpr int kStride = Tile::kThreads / Tile::kSlab;
  const ConvGather& g = call.args.gather;
  const ConvOutput<Out>& o = call.args.output;
  const int tid = static_cast<int>(threadIdx.x);
  const int lane = tid % 32;
  const int warp_m = tid / 32 / Tile::kWarpsN * Tile::kWarpM;
  const int warp_n = tid / 32 % Tile::kWarpsN * Tile::kWarpN;
  const int n0 = static_cast<int>(blockIdx.x) * Tile::kN;
  const int chunk = tid % Tile::kSlab;

  for (int n = tid; n < Tile::kN; n += Tile::kThreads) memory.scales[n] = 1.0F;
  fill_weights<Tile, kUse>(call, n0, weights, memory.scales);  // its barrier comes before it writes scales

  for (int tile_m = static_cast<int>(blockIdx.y); tile_m < call.m_tiles; tile_m += static_cast<int>(gridDim.y)) {
    const int m0 = tile_m * Tile::kM;
    __syncthreads();  // the weights are there; nobody reads the tile before this one any more
    PixelRows<Tile::kM / kStride, kStride> rows;
    rows.locate(g, m0 + tid / Tile::kSlab, g.pixels);
    for (int r = tid; r < Tile::kM; r += Tile::kThreads) {
      memory.dest[r] = m0 + r < g.pixels ? g.dest_pixel(m0 + r) : -1;
    }
    WarpProduct<Tile, Layout::k_inner, Layout::k_inner> product;
    product.clear();
    int done = 0;
    run_pipeline<Tile::kStages>(
        call.order.steps,
        [&](int step, int stage) {
          const ReductionOrder::Place p = call.order.place(step, chunk);
          rows.copy(g, call.args.source, p.tap_h, p.tap_w, p.chunk, p.valid, [&](int i) {
            return memory.pixels[stage] + Swizzle<Tile::kSlab>::at(tid / Tile::kSlab + i * kStride, chunk);
          });
        },
        [&](int stage) {
          product.multiply(memory.pixels[stage], weights + done * Tile::kN * Tile::kK, warp_m, warp_n, lane);
          ++done;
        });
    __syncthreads();  // the sums take the place of the pixels
    product.store(memory.sums, Memory::kPitch, warp_m, warp_n, lane);
    __syncthreads();
    using End = Epilogue<Tile::kM, Tile::kN, Memory::kPitch, Tile::kThreads, Out>;
    End::store(memory.sums, memory.dest, n0, kUse == WeightUse::forward ? memory.scales : nullptr, o);
    if (o.moments != nullptr) {
      const int valid = g.pixels - m0 < Tile::kM ? g.pixels - m0 : Tile::kM;
      End::measure(memory.sums, memory.partial, valid, tile_m, n0, o);
    }
  }
}

//                     M    N   K  warp M, N  stages, blocks a multiprocessor
using N64 = TileShape<kResidentRows, 64, 32, 32, 32, 4, 2>;
using N32 = TileShape<kResidentRows, 32, 32, 32, 32, 4, 4>;

ReductionOrder order_of(const ConvGather& g) {
  static_assert(N64::kSlab == N32::kSlab);
  return ReductionOrder(g.source_chunks, g.h.taps, g.w.taps, N64::kSlab);
}

template <class Tile>
std::size_t bytes_for(int steps) {
  return sizeof(ResidentMemory<Tile>) + sizeof(Bf16) * static_cast<std::size_t>(steps) * Tile::kN * Tile::kK;
}

template <class Tile, class Out>
void launch_tile(Stream& stream, const char* op, WeightUse use, const ResidentConv<Out>& args, int blocks) {
  ResidentCall<Out> call;
  call.args = args;
  call.order = order_of(args.gather);
  call.m_tiles = (args.gather.pixels + Tile::kM - 1) / Tile::kM;
  const int n_tiles = (args.output.pitch + Tile::kN - 1) / Tile::kN;
  if (call.m_tiles == 0 || n_tiles == 0) return;
  const dim3 grid(static_cast<unsigned>(n_tiles), static_cast<unsigned>(call.m_tiles < blocks ? call.m_tiles : blocks));
  const auto run = [&](auto* kernel) {
    launch(stream, op, kernel, grid, dim3(Tile::kThreads), bytes_for<Tile>(call.order.steps), call);
  };
  if (use == WeightUse::forward) {
    run(resident_conv<Tile, WeightUse::forward, Out>);
  } else {
    run(resident_conv<Tile, WeightUse::backward_data, Out>);
  }
}

}  // namespace

std::size_t resident_bytes(const ConvGather& gather, int outputs) {
  const int steps = order_of(gather).steps;
  return outputs <= N32::kN ? bytes_for<N32>(steps) : bytes_for<N64>(steps);
}

template <class Out>
void launch_resident_conv(Stream& stream, const char* op, WeightUse use, const ResidentConv<Out>& args, int blocks) {
  if (args.output.pitch <= N32::kN) {
    launch_tile<N32>(stream, op, use, args, blocks);
  } else {
    launch_tile<N64>(stream, op, use, args, blocks);
  }
}

template void launch_resident_conv<float>(Stream&, const char*, WeightUse, const ResidentConv<float>&, int);
template void launch_resident_conv<Bf16>(Stream&, const char*, WeightUse, const ResidentConv<Bf16>&, int);

}  // namespace scnn::cuda
