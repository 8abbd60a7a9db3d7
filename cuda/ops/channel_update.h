#pragma once

#include "cuda/conv/bf16/bf16.h"
#include "cuda/runtime/launch.h"
#include "scnn/backend/update.h"

/// The update of a step of self-compression in one launch, a block for each output channel of all layers.
///
/// For its channel a block sums the partial weight gradients in fixed order, takes the straight-through gradients of w,
/// b and e, adds the size loss's slope to that of b, makes one Adam step on each, and writes the integers that the next
/// step's convolution reads.  It equals the separate ops (finished partials, quantize_backward, accumulate, adam on w,
/// then b, then e) up to the order in which db and de are summed.  No atomics: equal inputs give equal bits.
namespace scnn::cuda {

/// What changes from step to step.
struct ChannelSteps {
  AdamStep weights, bits, exponents;
  Scalar gamma;  ///< of the size loss

  friend bool operator==(const ChannelSteps&, const ChannelSteps&) = default;
};

/// One quantized layer.  Arrays are in device memory; [c] is the channel, [c, k] its weights in OHWI order.
struct ChannelLayer {
  int channels = 0;
  int taps = 1, in_channels = 1;    ///< weights of a channel: taps * in_channels
  const float* partials = nullptr;  ///< [splits, c, k], of dL/dq
  int splits = 1;

  float *weights = nullptr, *weights_m = nullptr, *weights_v = nullptr;  ///< [c, k]
  float *bits = nullptr, *bits_m = nullptr, *bits_v = nullptr;           ///< [c]; moments null: b is fixed
  float *exponents = nullptr, *exponents_m = nullptr, *exponents_v = nullptr;
  float bits_lower = 0, bits_upper = 8;
  bool revive = false;                ///< channels at b = 0 go on learning by the right-hand derivative
  const float* size_slope = nullptr;  ///< [c] or null: dQ/db, one number a channel, taken where b > 0 or `revive`
  ChannelSteps steps;

  Bf16* integers = nullptr;  ///< [c, taps, padded in_channels] or null; the padding is left alone
  float* scales = nullptr;   ///< [c] or null: 2^e

  // With the following set, the block stops before Adam and stores the gradients instead, to be compared.
  float* dweights = nullptr;    ///< [c, k]
  float* dbits = nullptr;       ///< [c]
  float* dexponents = nullptr;  ///< [c]

  int first_block = 0;  ///< set by lay_out

  friend bool operator==(const ChannelLayer&, const ChannelLayer&) = default;
};

/// Numbers the blocks of the layers; returns how many there are.
int lay_out(ChannelLayer* layers, int count);

/// `layers` in device memory, laid out, `count` of them with `blocks` channels in all.  A captured graph reads them,
/// and so the steps, anew.
void launch_channel_update(Stream& stream, const char* op, const ChannelLayer* layers, int count, int blocks);

}  // namespace scnn::cuda
