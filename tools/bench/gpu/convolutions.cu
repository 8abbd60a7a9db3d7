#include <optional>

#include "bench.h"
#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/conv/bf16/conv_plan.h"
#include "cuda/conv/bf16/conv_resident.h"
#include "cuda/conv/fp32/convolution.h"
#include "cuda/vendor/library_ops.h"
#include "cuda/conv/bf16/tensor_core.h"
#include "library.h"
#include "numbers.h"
#include "cuda/tuning.h"

namespace scnn::bench {
namespace {

using cuda::Bf16;
using cuda::Scratch;

constexpr const char* op = "bench";

int narrow(std::int64_t x) { return static_cast<int>(x); }

/// A layer of Page's CIFAR-10 network, 3x3, padded to keep its size; or one with widths that removal leaves.
struct Layer {
  const char* name;
  std::int64_t in, out, size;
};
constexpr Layer layers[] = {
    {"prep 3->64 at 32", 3, 64, 32},        {"layer1 64->128 at 32", 64, 128, 32},
    {"res1 128->128 at 16", 128, 128, 16},  {"layer2 128->256 at 16", 128, 256, 16},
    {"layer3 256->512 at 8", 256, 512, 8},  {"res3 512->512 at 4", 512, 512, 4},
    {"removed 61->117 at 32", 61, 117, 32},
};

/// Operands of one layer on the device, channels padded as the kernels want them.
class Bench {
 public:
  Bench(const Layer& layer, const Options& options)
      : options_(options),
        name_(layer.name),
        shape_{options.batch,
               layer.size,
               layer.size,
               layer.in,
               layer.size,
               layer.size,
               layer.out,
               {3, 3, 1, 1, 1, 1, 1, 1},
               1},
        in_(narrow(layer.in)),
        out_(narrow(layer.out)),
        pixels_(options.batch * layer.size * layer.size),
        x_(stream_, pixels_ * cuda::padded_channels(in_)),
        y_(stream_, pixels_ * cuda::padded_channels(out_)),
        w_(stream_, std::int64_t{cuda::padded_channels(out_)} * taps * cuda::padded_channels(in_)),
        values_(stream_, std::int64_t{out_} * taps * in_),
        bits_(stream_, out_),
        exponents_(stream_, out_),
        scales_(stream_, out_) {
    const std::vector<float> bits(static_cast<std::size_t>(out_), 4.0F);
    const std::vector<float> exponents(static_cast<std::size_t>(out_), -5.0F);
    stream_.copy(bits_.data(), bits.data(), bits.size() * sizeof(float));
    stream_.copy(exponents_.data(), exponents.data(), exponents.size() * sizeof(float));
    stream_.wait();
  }

  void measure(std::vector<Row>& rows) {
    forward(rows);
    backward_data(rows);
    backward_weights(rows);
  }

 private:
  static constexpr int taps = 9;

  void add(std::vector<Row>& rows, const char* pass, const std::string& what, const std::function<void()>& call) {
    const double seconds = seconds_of(options_, call, [this] { stream_.wait(); });
    rows.push_back({pass, name_, what, seconds, 2.0 * static_cast<double>(pixels_) * taps * in_ * out_, 0});
  }
  void add_library(std::vector<Row>& rows, const char* name, cuda::ConvPass pass) {
    // It computes the padding too, which its time includes and its flops do not.
    const Conv2d padded = cuda::library_shape(shape_, Precision::bf16);
    if (!library_ || !library_->takes(pass, padded, Precision::bf16)) return;
    add(rows, name, "cuDNN",
        [&] { library_->convolve(pass, padded, Precision::bf16, x_.data(), w_.data(), y_.data()); });
  }
  [[nodiscard]] cuda::WeightPass weight_pass(cuda::WeightForm form) const {
    return {values_.data(), bits_.data(), exponents_.data(), out_, taps, in_, form, w_.data(), scales_.data()};
  }
  [[nodiscard]] cuda::ConvOutput<Bf16> output(bool is_forward) const {
    const int channels = is_forward ? out_ : in_;
    cuda::ConvOutput<Bf16> o;
    o.out = is_forward ? y_.data() : x_.data();
    o.scale = is_forward ? scales_.data() : nullptr;
    o.channels = channels;
    o.pitch = cuda::padded_channels(channels);
    return o;
  }
  void stream_weights(const cuda::ConvGather& gather, bool is_forward) {
    cuda::ConvGemm<Bf16> conv;
    conv.gather = gather;
    conv.source = is_forward ? x_.data() : y_.data();
    conv.weights = w_.data();
    conv.weight_rows = out_;
    conv.weight_taps = taps;
    conv.weight_chunks = cuda::chunks_of(in_);
    conv.output = output(is_forward);
    cuda::launch_conv_gemm(stream_, op, cuda::conv_tile(gather.pixels, is_forward ? out_ : in_),
                           is_forward ? cuda::WeightUse::forward : cuda::WeightUse::backward_data, conv);
  }
  void keep_weights(const cuda::ConvGather& gather, bool is_forward) {
    cuda::ResidentConv<Bf16> conv;
    conv.gather = gather;
    conv.source = is_forward ? x_.data() : y_.data();
    conv.values = values_.data();
    conv.bits = bits_.data();
    conv.exponents = exponents_.data();
    conv.out_channels = out_;
    conv.in_channels = in_;
    conv.taps = taps;
    conv.output = output(is_forward);
    cuda::launch_resident_conv(stream_, op, is_forward ? cuda::WeightUse::forward : cuda::WeightUse::backward_data,
                               conv, cuda::kBlocksAtOnce);
  }
  /// The product of one direction: the convolution alone, with quantization before it, and fused.
  void products(std::vector<Row>& rows, const char* pass, const std::vector<cuda::ConvGather>& gathers,
                bool is_forward) {
    cuda::launch_weight_pass(stream_, op, weight_pass(cuda::WeightForm::integers));
    add(rows, pass, "own, weights ready", [&] {
      for (const auto& gather : gathers) stream_weights(gather, is_forward);
    });
    add(rows, pass, "own, quantized before it", [&] {
      cuda::launch_weight_pass(stream_, op, weight_pass(cuda::WeightForm::integers));
      for (const auto& gather : gathers) stream_weights(gather, is_forward);
    });
    constexpr auto on_load = WeightQuantization::on_load;
    if (cuda::weight_quantization(shape_, is_forward, on_load) == on_load) {
      add(rows, pass, "own, quantized on load", [&] {
        for (const auto& gather : gathers) keep_weights(gather, is_forward);
      });
    }
  }
  void forward(std::vector<Row>& rows) {
    products(rows, "forward", {cuda::forward_gather(shape_)}, true);
    add_library(rows, "forward", cuda::ConvPass::forward);
  }
  void backward_data(std::vector<Row>& rows) {
    products(rows, "backward data", cuda::backward_data_gathers(shape_), false);
    add_library(rows, "backward data", cuda::ConvPass::backward_data);
  }
  void backward_weights(std::vector<Row>& rows) {
    const cuda::ConvGather gather = cuda::forward_gather(shape_);
    const cuda::WgradPlan plan = cuda::wgrad_plan(gather, out_, in_);
    const std::int64_t count = std::int64_t{out_} * taps * in_;
    const Scratch<float> partials(stream_, count * plan.splits);
    const Scratch<float> dw(stream_, count);
    std::optional<Filled<float>> x;
    if (plan.narrow) x.emplace(stream_, pixels_ * in_);
    add(rows, "backward weights", "own, partials summed", [&] {
      if (plan.narrow) {
        cuda::launch_narrow_wgrad(stream_, op, {gather, x->data(), y_.data(), out_, in_, plan.splits, partials.data()});
      } else {
        cuda::launch_conv_wgrad(stream_, op, plan.tile,
                                {gather, x_.data(), y_.data(), out_, in_, plan.splits, partials.data()});
      }
      cuda::sum_slices(stream_, op, partials.data(), plan.splits, count, dw.data());
    });
    add_library(rows, "backward weights", cuda::ConvPass::backward_weights);
  }

  const Options& options_;
  std::string name_;
  cuda::Stream stream_{0};
  std::unique_ptr<cuda::ConvolutionLibrary> library_ = library_on(stream_);
  Conv2d shape_;
  int in_, out_;
  std::int64_t pixels_;
  Filled<Bf16> x_, y_, w_;
  Filled<float> values_;
  Scratch<float> bits_, exponents_, scales_;
};

}  // namespace

std::vector<Row> convolutions(const Options& options) {
  std::vector<Row> rows;
  for (Layer layer : layers) {
    layer.in = std::max<std::int64_t>(3, layer.in / options.shrink);
    layer.out = std::max<std::int64_t>(3, layer.out / options.shrink);
    Bench(layer, options).measure(rows);
  }
  return rows;
}

}  // namespace scnn::bench
