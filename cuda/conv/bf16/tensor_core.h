#pragma once

#include "cuda/conv/bf16/weight_cache.h"
#include "cuda/runtime/partial_sums.h"
#include "scnn/backend/backend.h"

/// Convolutions on tensor cores: operands in bf16, sums in float.  Tensors stay float outside: each call converts its
/// operands in a pass of its own, which reads 4 and writes 2 bytes a value; padding of channels to 8 happens there too.
namespace scnn::cuda {

/// Whether these kernels take the shape; the others are for the float kernels of convolution.h and depthwise.cu.
[[nodiscard]] bool tensor_cores_take(const Conv2d& shape);

/// Where a layer's weights are quantized if `wanted` leaves it open.  Forward and backward may differ.
[[nodiscard]] WeightQuantization weight_quantization(const Conv2d& shape, bool forward, WeightQuantization wanted);

/// Where a convolution leaves mean and biased variance [channels] of its results; null: it measures nothing.
struct ChannelMoments {
  float *mean = nullptr, *variance = nullptr;
};

/// `cache` keeps integers for the next call; null: they are made for this one.
void tensor_core_forward(Stream& stream, const char* op, const Conv2d& shape, const float* x,
                         const DeviceWeights& weights, const float* bias, WeightQuantization wanted, WeightCache* cache,
                         float* y, const ChannelMoments& moments = {});
void tensor_core_backward_data(Stream& stream, const char* op, const Conv2d& shape, const float* dy,
                               const DeviceWeights& weights, WeightQuantization wanted, WeightCache* cache, float* dx);
/// dw may be left to `sums` as partial sums.
void tensor_core_backward_weights(Stream& stream, const char* op, const Conv2d& shape, const float* x, const float* dy,
                                  PartialSums& sums, float* dw);

}  // namespace scnn::cuda
