#include "cuda/ops/adam_math.h"
#include "cuda/ops/channel_update.h"
#include "scnn/core/number_format.h"

namespace scnn::cuda {
namespace {

constexpr int kThreads = 256;

struct UpdateMemory {
  double db[kThreads / 32], de[kThreads / 32];
  float bits, exponent;  ///< after the step
};

__device__ __forceinline__ float summed_partials(const ChannelLayer& layer, std::int64_t channel, int weights, int k) {
  const float* from = layer.partials + channel * weights + k;
  const std::int64_t stride = static_cast<std::int64_t>(layer.channels) * weights;
  float sum = from[0];
  for (int s = 1; s < layer.splits; ++s) sum += from[s * stride];
  return sum;
}

/// Sums db and de over the block; the result is right in thread 0.
__device__ __forceinline__ void sum_over_block(double& db, double& de, UpdateMemory& memory) {
  const int tid = static_cast<int>(threadIdx.x);
  for (int step = 16; step > 0; step /= 2) {
    db += __shfl_xor_sync(0xffffffffU, db, step);
    de += __shfl_xor_sync(0xffffffffU, de, step);
  }
  if (tid % 32 == 0) {
    memory.db[tid / 32] = db;
    memory.de[tid / 32] = de;
  }
  __syncthreads();
  if (tid != 0) return;
  db = de = 0;
  for (int w = 0; w < kThreads / 32; ++w) {
    db += memory.db[w];
    de += memory.de[w];
  }
}

/// The channel's own two parameters, by one thread.
__device__ __forceinline__ void update_channel(const ChannelLayer& layer, const ChannelSteps& steps,
                                               std::int64_t channel, float db, float de, float& bits, float& exponent) {
  if (layer.bits_m != nullptr) {
    adam_element(adam_factors(steps.bits), db, layer.bits_m[channel], layer.bits_v[channel], bits);
    clamp_element(layer.bits_lower, layer.bits_upper, layer.bits_m[channel], bits);
    layer.bits[channel] = bits;
  }
  if (layer.exponents_m != nullptr) {
    adam_element(adam_factors(steps.exponents), de, layer.exponents_m[channel], layer.exponents_v[channel], exponent);
    layer.exponents[channel] = exponent;
  }
}

/// A thread meets the same weights in both loops, so that it reads in the second what it wrote in the first.
__global__ void __launch_bounds__(kThreads) channel_update(const ChannelLayer* layers, int count) {
  GPU_SMEM(UpdateMemory, memory);
  const int tid = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  int index = 0;
  while (index + 1 < count && layers[index + 1].first_block <= block) ++index;
  const ChannelLayer layer = layers[index];
  const ChannelSteps& steps = layers[index].steps;  // read where they are used: a copy would take registers
  const std::int64_t channel = block - layer.first_block;
  const int weights = layer.taps * layer.in_channels;

  float bits = layer.bits[channel];
  float exponent = layer.exponents[channel];
  const bool learns = bits > 0.0F || layer.revive;  // gradients of a dead channel are 0
  const bool frozen = bits == 0.0F && !layer.revive;
  const bool steps_too = layer.dweights == nullptr;
  const ChannelFormat<float> format = channel_format(bits, exponent);
  const AdamFactors adam = adam_factors(steps_too ? steps.weights : AdamStep{});

  double db = 0;
  double de = 0;
  for (int k = tid; k < weights; k += kThreads) {
    const std::int64_t i = channel * weights + k;
    float w = layer.weights[i];
    float gradient = 0;
    if (learns) {
      const float g = summed_partials(layer, channel, weights, k);
      const QuantizeGradient<float> q = quantize_gradient(w, format);
      db += static_cast<double>(g * q.db);
      de += static_cast<double>(g * q.de);
      gradient = g * q.dw;
    }
    if (!steps_too) {
      layer.dweights[i] = gradient;
    } else if (!frozen) {
      adam_element(adam, gradient, layer.weights_m[i], layer.weights_v[i], w);
      layer.weights[i] = w;
    }
  }
  sum_over_block(db, de, memory);

  if (tid == 0) {
    float bits_gradient = static_cast<float>(db);
    if (steps_too) {
      if (layer.size_slope != nullptr && learns) bits_gradient += steps.gamma.get() * layer.size_slope[channel];
      update_channel(layer, steps, channel, bits_gradient, static_cast<float>(de), bits, exponent);
    } else {
      layer.dbits[channel] = bits_gradient;
      layer.dexponents[channel] = static_cast<float>(de);
    }
    if (layer.scales != nullptr) layer.scales[channel] = portable_exp2(exponent);
    memory.bits = bits;
    memory.exponent = exponent;
  }
  if (layer.integers == nullptr) return;
  __syncthreads();
  const ChannelFormat<float> next = channel_format(memory.bits, memory.exponent);
  const int pitch = padded_channels(layer.in_channels);
  for (int k = tid; k < weights; k += kThreads) {
    const int tap = k / layer.in_channels;
    const std::int64_t to = (channel * layer.taps + tap) * pitch + k - tap * layer.in_channels;
    layer.integers[to] = to_bf16(quantize_integer(layer.weights[channel * weights + k], next));
  }
}

}  // namespace

int lay_out(ChannelLayer* layers, int count) {
  int blocks = 0;
  for (int i = 0; i < count; ++i) {
    layers[i].first_block = blocks;
    blocks += layers[i].channels;
  }
  return blocks;
}

void launch_channel_update(Stream& stream, const char* op, const ChannelLayer* layers, int count, int blocks) {
  if (blocks == 0) return;
  launch(stream, op, channel_update, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), sizeof(UpdateMemory), layers,
         count);
}

}  // namespace scnn::cuda
