#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/runtime/fast_divide.h"
#include "scnn/core/number_format.h"

namespace scnn::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMostBlocks = 8192;

struct alignas(16) Chunk {
  Bf16 values[kChunk];
};

unsigned capped_blocks(std::int64_t items) {
  const std::int64_t blocks = (items + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

/// A thread writes chunks of 16 bytes.
__global__ void __launch_bounds__(kThreads) activation_pass(const ActivationPass p, const FastDivide by_chunks) {
  const int chunks = by_chunks.divisor;
  const int total = static_cast<int>(p.pixels) * chunks;
  const bool aligned = p.channels % 4 == 0;
  for (int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x); i < total;
       i += static_cast<int>(gridDim.x) * kThreads) {
    const int pixel = by_chunks.quotient(i);
    const int first = (i - pixel * chunks) * kChunk;
    const float* from = p.x + static_cast<std::int64_t>(pixel) * p.channels + first;
    float x[kChunk];
    if (aligned && first + kChunk <= p.channels) {
      const float4 low = reinterpret_cast<const float4*>(from)[0];
      const float4 high = reinterpret_cast<const float4*>(from)[1];
      x[0] = low.x, x[1] = low.y, x[2] = low.z, x[3] = low.w;
      x[4] = high.x, x[5] = high.y, x[6] = high.z, x[7] = high.w;
    } else {
      GPU_UNROLL
      for (int e = 0; e < kChunk; ++e) x[e] = first + e < p.channels ? from[e] : 0.0F;
    }
    Chunk chunk;
    GPU_UNROLL
    for (int e = 0; e < kChunk; ++e) {
      const bool scaled = p.exponents != nullptr && first + e < p.channels;
      chunk.values[e] = to_bf16(scaled ? x[e] * portable_exp2(p.exponents[first + e]) : x[e]);
    }
    reinterpret_cast<Chunk*>(p.to)[i] = chunk;
  }
}

/// A block an output channel.
__global__ void __launch_bounds__(kThreads) weight_pass(const WeightPass p, const FastDivide by_chunks) {
  const int out = static_cast<int>(blockIdx.x);
  const int chunks = by_chunks.divisor;
  const bool quantized = p.bits != nullptr;
  const ChannelFormat<float> format =
      quantized ? channel_format(p.bits[out], p.exponents[out]) : ChannelFormat<float>{1, 1, 0, 0};
  const bool integers = quantized && p.form == WeightForm::integers;
  const float factor = integers ? 1.0F : format.scale;
  for (int i = static_cast<int>(threadIdx.x); i < p.taps * chunks; i += kThreads) {
    const int tap = by_chunks.quotient(i);
    const int first = (i - tap * chunks) * kChunk;
    const float* from = p.values + (static_cast<std::int64_t>(out) * p.taps + tap) * p.in_channels + first;
    Chunk chunk;
    GPU_UNROLL
    for (int e = 0; e < kChunk; ++e) {
      const float w = first + e < p.in_channels ? from[e] : 0.0F;
      chunk.values[e] = to_bf16(quantized ? factor * quantize_integer(w, format) : w);
    }
    reinterpret_cast<Chunk*>(p.to)[static_cast<std::int64_t>(out) * p.taps * chunks + i] = chunk;
  }
  if (threadIdx.x == 0 && p.scales != nullptr) p.scales[out] = integers ? format.scale : 1.0F;
}

}  // namespace

void launch_activation_pass(Stream& stream, const char* op, const ActivationPass& pass) {
  const int chunks = chunks_of(pass.channels);
  if (pass.pixels == 0 || chunks == 0) return;
  launch(stream, op, activation_pass, dim3(capped_blocks(pass.pixels * chunks)), dim3(kThreads), 0, pass,
         FastDivide(chunks));
}

void launch_weight_pass(Stream& stream, const char* op, const WeightPass& pass) {
  const int chunks = chunks_of(pass.in_channels);
  if (pass.out_channels == 0 || chunks == 0) return;
  launch(stream, op, weight_pass, dim3(static_cast<unsigned>(pass.out_channels)), dim3(kThreads), 0, pass,
         FastDivide(chunks));
}

}  // namespace scnn::cuda
