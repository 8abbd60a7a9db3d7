#include "backend/checks.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"
#include "scnn/core/number_format.h"

namespace scnn::cuda {
namespace {

struct Quantize {
  std::int64_t row;  ///< weights of a channel
  const float *w, *bits, *exponents;
  float* y;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t channel = i / row;
    y[i] = quantize(w[i], channel_format(bits[channel], exponents[channel]));
  }
};

struct WarpSums {
  double bits[block_threads / 32], exponents[block_threads / 32];
};

/// The bit-count kernel.  One block for each output channel: the straight-through masks turn dL/dq into dL/dw in place,
/// and two sums over the channel give dL/db and dL/de.  Double sums in a fixed order: lanes, then warps.
__global__ void __launch_bounds__(block_threads)
    quantize_backward_kernel(std::int64_t row, const float* w, const float* bits, const float* exponents, bool revive,
                             float* dw, float* dbits, float* dexponents) {
  GPU_SMEM(WarpSums, sums);
  const std::int64_t channel = blockIdx.x;
  const float* weights = w + channel * row;
  float* gradient = dw + channel * row;
  const unsigned t = threadIdx.x;
  if (bits[channel] <= 0.0F && !revive) {
    for (std::int64_t i = t; i < row; i += block_threads) gradient[i] = 0.0F;
    if (t == 0) dbits[channel] = dexponents[channel] = 0.0F;
    return;
  }
  const ChannelFormat<float> format = channel_format(bits[channel], exponents[channel]);
  double b_sum = 0;
  double e_sum = 0;
  for (std::int64_t i = t; i < row; i += block_threads) {
    const float g = gradient[i];
    const QuantizeGradient<float> q = quantize_gradient(weights[i], format);
    b_sum += static_cast<double>(g * q.db);
    e_sum += static_cast<double>(g * q.de);
    gradient[i] = g * q.dw;
  }
  b_sum = warp_sum(b_sum);
  e_sum = warp_sum(e_sum);
  if (t % 32 == 0) {
    sums.bits[t / 32] = b_sum;
    sums.exponents[t / 32] = e_sum;
  }
  __syncthreads();
  if (t != 0) return;
  double b_total = 0;
  double e_total = 0;
  for (unsigned i = 0; i < block_threads / 32; ++i) {
    b_total += sums.bits[i];
    e_total += sums.exponents[i];
  }
  dbits[channel] = static_cast<float>(b_total);
  dexponents[channel] = static_cast<float>(e_total);
}

}  // namespace

const float* CudaBackend::effective(const char* op, const WeightView& weights, Tensor& room) {
  if (weights.bits == nullptr) return in(op, *weights.values);
  room = allocate(weights.values->shape(), DType::float32);
  quantize(weights, room);
  return room.data<float>();
}

void CudaBackend::quantize(const WeightView& weights, Tensor& y) {
  constexpr const char* op = "quantize";
  checks::weights(op, weights);
  checks::same_shape(op, *weights.values, y);
  const Tensor& values = *weights.values;
  if (weights.bits == nullptr) {
    stream_->copy(out(op, y), in(op, values), values.bytes());
    return;
  }
  if (values.size() == 0) return;
  const std::int64_t row = values.size() / values.shape()[0];
  each(*stream_, op, values.size(),
       Quantize{row, in(op, values), in(op, *weights.bits), in(op, *weights.exponents), out(op, y)});
}

void CudaBackend::quantize_backward(const WeightView& weights, bool revive, Tensor& dw, Tensor& dbits,
                                    Tensor& dexponents) {
  constexpr const char* op = "quantize_backward";
  checks::weights(op, weights);
  if (weights.bits == nullptr) checks::fail(op, "weights without bits have no such gradient");
  checks::same_shape(op, *weights.values, dw);
  checks::has_shape(op, "dbits", dbits, weights.bits->shape());
  checks::has_shape(op, "dexponents", dexponents, weights.bits->shape());
  const std::int64_t channels = dbits.size();
  if (channels == 0) return;
  launch(*stream_, op, quantize_backward_kernel, dim3(static_cast<unsigned>(channels)), dim3(block_threads),
         sizeof(WarpSums), dw.size() / channels, in(op, *weights.values), in(op, *weights.bits),
         in(op, *weights.exponents), revive, out(op, dw), out(op, dbits), out(op, dexponents));
}

}  // namespace scnn::cuda
