#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/conv/bf16/conv_moments.h"
#include "cuda/conv/bf16/conv_plan.h"
#include "cuda/conv/bf16/conv_resident.h"
#include "cuda/conv/bf16/tensor_core.h"
#include "cuda/conv/fp32/convolution.h"
#include "cuda/tuning.h"

namespace scnn::cuda {
namespace {

int narrow(std::int64_t x) { return static_cast<int>(x); }

/// Two blocks of this size fit a multiprocessor of sm_90.
constexpr std::size_t kMostResidentBytes = 100 * 1024;

int taps_of(const Conv2d& s) { return narrow(s.window.kernel_h * s.window.kernel_w); }

/// x as bf16 with padded channels.
class Bf16Copy {
 public:
  Bf16Copy(Stream& stream, const char* op, const float* x, const float* exponents, std::int64_t pixels, int channels)
      : memory_(stream, pixels * padded_channels(channels)) {
    launch_activation_pass(stream, op, {x, exponents, pixels, channels, memory_.data()});
  }
  [[nodiscard]] const Bf16* data() const { return memory_.data(); }

 private:
  Scratch<Bf16> memory_;
};

std::int64_t in_pixels(const Conv2d& s) { return s.batch * s.in_h * s.in_w; }
std::int64_t out_pixels(const Conv2d& s) { return s.batch * s.out_h * s.out_w; }

/// One product, its weights quantized as `way` says; `output.scale` belongs to this function.
void multiply(Stream& stream, const char* op, const Conv2d& shape, WeightUse use,
              const std::vector<ConvGather>& gathers, const Bf16* source, const DeviceWeights& weights,
              WeightQuantization way, WeightCache* cache, ConvOutput<float> output) {
  const int in = narrow(shape.in_c);
  const int out = narrow(shape.out_c);
  const int taps = taps_of(shape);
  if (way == WeightQuantization::on_load) {
    for (const ConvGather& gather : gathers) {
      ResidentConv<float> conv;
      conv.gather = gather;
      conv.source = source;
      conv.values = weights.values;
      conv.bits = weights.bits;
      conv.exponents = weights.exponents;
      conv.out_channels = out;
      conv.in_channels = in;
      conv.taps = taps;
      conv.output = output;
      launch_resident_conv(stream, op, use, conv, kBlocksAtOnce);
    }
    return;
  }
  const bool keep = cache != nullptr && weights.bits != nullptr && way == WeightQuantization::integers;
  WeightIntegers ready = keep ? cache->integers(op, weights, out, taps, in) : WeightIntegers{};
  const bool make = ready.values == nullptr;
  const Scratch<Bf16> copy(stream, make ? std::int64_t{out} * taps * padded_channels(in) : 0);
  const Scratch<float> scales(stream, make ? out : 0);
  if (make) {
    ready = {copy.data(), scales.data(), taps};
    const WeightForm form = way == WeightQuantization::values ? WeightForm::values : WeightForm::integers;
    launch_weight_pass(
        stream, op, {weights.values, weights.bits, weights.exponents, out, taps, in, form, ready.values, ready.scales});
  }
  if (use == WeightUse::forward) output.scale = ready.scales;
  for (const ConvGather& gather : gathers) {
    ConvGemm<float> conv;
    conv.gather = gather;
    conv.source = source;
    conv.weights = ready.values;
    conv.weight_rows = out;
    conv.weight_taps = taps;
    conv.weight_chunks = chunks_of(in);
    conv.output = output;
    launch_conv_gemm(stream, op, conv_tile(gather.pixels, output.channels), use, conv);
  }
}

}  // namespace

bool tensor_cores_take(const Conv2d& shape) { return tensor_core_refusal(shape) == nullptr; }

WeightQuantization weight_quantization(const Conv2d& shape, bool forward, WeightQuantization wanted) {
  std::size_t bytes = 0;
  for (const ConvGather& g : forward ? std::vector{forward_gather(shape)} : backward_data_gathers(shape)) {
    const std::size_t needed = resident_bytes(g, narrow(forward ? shape.out_c : shape.in_c));
    bytes = needed > bytes ? needed : bytes;
  }
  const bool fits = bytes <= kMostResidentBytes;
  if (wanted == WeightQuantization::on_load && !fits) return WeightQuantization::integers;
  if (wanted != WeightQuantization::automatic) return wanted;
  // Wide layers read their pixels once for each 64 outputs when weights stay: the streaming kernel's 128 are better.
  constexpr std::int64_t most_outputs = 64;
  return fits && (forward ? shape.out_c : shape.in_c) <= most_outputs ? WeightQuantization::on_load
                                                                      : WeightQuantization::integers;
}

void tensor_core_forward(Stream& stream, const char* op, const Conv2d& shape, const float* x,
                         const DeviceWeights& weights, const float* bias, WeightQuantization wanted, WeightCache* cache,
                         float* y, const ChannelMoments& moments) {
  const Bf16Copy source(stream, op, x, nullptr, in_pixels(shape), narrow(shape.in_c));
  const WeightQuantization way = weight_quantization(shape, true, wanted);
  ConvOutput<float> output;
  output.out = y;
  output.bias = bias;
  output.channels = output.pitch = narrow(shape.out_c);
  const int pixels = narrow(out_pixels(shape));
  const int rows =
      way == WeightQuantization::on_load ? kResidentRows : extents_of(conv_tile(pixels, output.channels)).m;
  const bool measures = moments.mean != nullptr;
  const Scratch<Moments> tiles(stream, measures ? std::int64_t{(pixels + rows - 1) / rows} * output.channels : 0);
  output.moments = tiles.data();
  multiply(stream, op, shape, WeightUse::forward, {forward_gather(shape)}, source.data(), weights, way, cache, output);
  if (!measures) return;
  launch_finish_moments(stream, op, {tiles.data(), rows, pixels, output.channels, moments.mean, moments.variance});
}

void tensor_core_backward_data(Stream& stream, const char* op, const Conv2d& shape, const float* dy,
                               const DeviceWeights& weights, WeightQuantization wanted, WeightCache* cache, float* dx) {
  const WeightQuantization way = weight_quantization(shape, false, wanted);
  // The product reduces over out channels: their 2^e goes into dy.
  const float* exponents = way == WeightQuantization::values ? nullptr : weights.exponents;
  const Bf16Copy source(stream, op, dy, exponents, out_pixels(shape), narrow(shape.out_c));
  ConvOutput<float> output;
  output.out = dx;
  output.channels = output.pitch = narrow(shape.in_c);
  multiply(stream, op, shape, WeightUse::backward_data, backward_data_gathers(shape), source.data(), weights, way,
           cache, output);
}

void tensor_core_backward_weights(Stream& stream, const char* op, const Conv2d& shape, const float* x, const float* dy,
                                  PartialSums& sums, float* dw) {
  const int in = narrow(shape.in_c);
  const int out = narrow(shape.out_c);
  const ConvGather gather = forward_gather(shape);
  const WgradPlan plan = wgrad_plan(gather, out, in);
  const std::int64_t count = std::int64_t{out} * taps_of(shape) * in;
  const Bf16Copy gradient(stream, op, dy, nullptr, out_pixels(shape), out);
  PartialSums::Room room(sums, op, dw, plan.splits, count);
  if (plan.narrow) {
    launch_narrow_wgrad(stream, op, {gather, x, gradient.data(), out, in, plan.splits, room.data()});
  } else {
    const Bf16Copy source(stream, op, x, nullptr, in_pixels(shape), in);
    launch_conv_wgrad(stream, op, plan.tile,
                      {gather, source.data(), gradient.data(), out, in, plan.splits, room.data()});
  }
  room.written();
}

}  // namespace scnn::cuda
