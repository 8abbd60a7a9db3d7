#pragma once

#include "cuda/conv/bf16/bf16.h"
#include "cuda/runtime/launch.h"

/// Passes that bring operands into the form the tensor-core kernels read.  The only place where channels are padded.
namespace scnn::cuda {

/// to [pixels, padded channels] = x [pixels, channels] * 2^exponents[channel]; `exponents` may be null.  The data
/// gradient wants the factor here because it reduces over the channels that the factor belongs to.
struct ActivationPass {
  const float* x = nullptr;
  const float* exponents = nullptr;
  std::int64_t pixels = 0;
  int channels = 0;
  Bf16* to = nullptr;
};
void launch_activation_pass(Stream& stream, const char* op, const ActivationPass& pass);

/// Quantized weights as convolutions read them.
struct WeightIntegers {
  Bf16* values = nullptr;   ///< [out, taps, padded in]
  float* scales = nullptr;  ///< [out], 2^e
  int taps = 1;
};

/// What the convolution multiplies with: integers and a factor a channel, or the product of both rounded to bf16.
enum class WeightForm { integers, values };

/// to [out, taps, padded in] from values [out, taps, in]; without bits the values themselves, rounded to bf16.
/// `scales` [out] receives 2^e, or 1 where the weights are complete without it; may be null.
struct WeightPass {
  const float* values = nullptr;
  const float* bits = nullptr;
  const float* exponents = nullptr;
  int out_channels = 0, taps = 1, in_channels = 0;
  WeightForm form = WeightForm::integers;
  Bf16* to = nullptr;
  float* scales = nullptr;
};
void launch_weight_pass(Stream& stream, const char* op, const WeightPass& pass);

}  // namespace scnn::cuda
