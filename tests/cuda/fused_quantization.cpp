#include <numeric>

#include "catch.h"
#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/conv/bf16/conv_moments.h"
#include "cuda/conv/bf16/conv_resident.h"
#include "device_arrays.h"
#include "op_cases.h"
#include "reference.h"
#include "scnn/core/number_format.h"

namespace scnn::test {
namespace {

using cuda::Bf16;
using cuda::WeightForm;
using cuda::WeightUse;

/// Weights with bits and exponents, some channels dead, as floats: the reference quantizes them the same way.
struct Quantized {
  explicit Quantized(const Conv2d& s)
      : values(uniform_array({s.out_c, s.window.kernel_h, s.window.kernel_w, s.in_c}, 11)),
        bits(uniform_array({s.out_c}, 12, 1, 9)),
        exponents(uniform_array({s.out_c}, 13, -8, -2)) {
    for (std::int64_t o = 0; o < s.out_c; o += 5) bits[o] = o % 2 == 0 && s.out_c > 1 ? 0 : bits[o];
  }
  [[nodiscard]] Array integers() const {
    return formed([](float w, const auto& f) { return quantize_integer(w, f); });
  }
  [[nodiscard]] Array effective() const {
    return formed([](float w, const auto& f) { return quantize(w, f); });
  }

  Array values, bits, exponents;

 private:
  template <class Form>
  [[nodiscard]] Array formed(const Form& form) const {
    Array result = values;
    const std::int64_t row = values.size() / bits.size();
    for (std::int64_t i = 0; i < values.size(); ++i) {
      const auto format = channel_format(static_cast<float>(bits[i / row]), static_cast<float>(exponents[i / row]));
      result[i] = static_cast<double>(form(static_cast<float>(values[i]), format));
    }
    return result;
  }
};

Array times_scales(Array dy, const Array& exponents) {
  for (std::int64_t i = 0; i < dy.size(); ++i) {
    const float scale = portable_exp2(static_cast<float>(exponents[i % exponents.size()]));
    dy[i] = static_cast<double>(static_cast<float>(dy[i]) * scale);
  }
  return rounded_to_bf16(std::move(dy));
}

template <class Out>
std::vector<double> resident(const Conv2d& s, const Array& from, const Quantized& w, WeightUse use, int blocks,
                             unsigned seed, cuda::Moments* moments = nullptr) {
  Bench bench;
  use_schedule(seed);
  const bool forward = use == WeightUse::forward;
  const auto source = bench.upload(padded_bf16(from));
  const auto values = bench.upload(w.values);
  const auto bits = bench.upload(w.bits);
  const auto exponents = bench.upload(w.exponents);
  const int channels = narrow(forward ? s.out_c : s.in_c);
  const std::int64_t rows = forward ? s.batch * s.out_h * s.out_w : s.batch * s.in_h * s.in_w;
  const int pitch = sizeof(Out) == 2 ? cuda::padded_channels(channels) : channels;
  const cuda::Scratch<Out> out(bench.stream, rows * pitch);
  const std::int64_t tiles = (rows + cuda::kResidentRows - 1) / cuda::kResidentRows;
  const cuda::Scratch<cuda::Moments> measured(bench.stream, tiles * channels);
  for (const cuda::ConvGather& g : forward ? std::vector{cuda::forward_gather(s)} : cuda::backward_data_gathers(s)) {
    cuda::ResidentConv<Out> conv;
    conv.gather = g;
    conv.source = source.data();
    conv.values = values.data();
    conv.bits = bits.data();
    conv.exponents = exponents.data();
    conv.out_channels = narrow(s.out_c);
    conv.in_channels = narrow(s.in_c);
    conv.taps = narrow(s.window.kernel_h * s.window.kernel_w);
    conv.output = {out.data(), nullptr, nullptr, channels, pitch};
    conv.output.moments = moments != nullptr ? measured.data() : nullptr;
    cuda::launch_resident_conv(bench.stream, "test", use, conv, blocks);
  }
  if (moments != nullptr) {
    const auto all = bench.download(measured.data(), tiles * channels);
    std::copy(all.begin(), all.end(), moments);
  }
  if constexpr (sizeof(Out) == 2) {
    return bench.download_values(out.data(), rows, channels);
  } else {
    return bench.download_values(out.data(), rows * channels);
  }
}

}  // namespace

TEST_CASE("the passes give integers, scales, values and padded activations", "[tensor core]") {
  Bench bench;
  for (const ConvCase& c : conv_cases()) {
    INFO(c.name);
    const Conv2d s = c.shape();
    const Quantized w(s);
    const auto values = bench.upload(w.values);
    const auto bits = bench.upload(w.bits);
    const auto exponents = bench.upload(w.exponents);
    const int out = narrow(s.out_c);
    const int in = narrow(s.in_c);
    const int taps = narrow(c.kernel * c.kernel);
    const cuda::Scratch<Bf16> to(bench.stream, std::int64_t{out} * taps * cuda::padded_channels(in));
    const cuda::Scratch<float> scales(bench.stream, out);
    const auto pass = [&](const float* b, WeightForm form) {
      cuda::launch_weight_pass(bench.stream, "test",
                               {values.data(), b, exponents.data(), out, taps, in, form, to.data(), scales.data()});
      return bench.download_values(to.data(), std::int64_t{out} * taps, in);
    };
    CHECK(pass(bits.data(), WeightForm::integers) == w.integers().values);  // exact: no bits beyond 9
    std::vector<double> powers;
    for (const double e : w.exponents.values) {
      powers.push_back(static_cast<double>(portable_exp2(static_cast<float>(e))));
    }
    CHECK(bench.download_values(scales.data(), out) == powers);
    CHECK(pass(bits.data(), WeightForm::values) == rounded_to_bf16(w.effective()).values);
    CHECK(bench.download_values(scales.data(), out) == std::vector<double>(static_cast<std::size_t>(out), 1.0));
    CHECK(pass(nullptr, WeightForm::integers) == rounded_to_bf16(w.values).values);

    const Array dy = uniform_array({s.batch, s.out_h, s.out_w, s.out_c}, 14);
    const auto from = bench.upload(dy);
    const std::int64_t pixels = dy.size() / s.out_c;
    const cuda::Scratch<Bf16> activations(bench.stream, pixels * cuda::padded_channels(out));
    cuda::launch_activation_pass(bench.stream, "test", {from.data(), nullptr, pixels, out, activations.data()});
    CHECK(bench.download_values(activations.data(), pixels, out) == rounded_to_bf16(dy).values);
    cuda::launch_activation_pass(bench.stream, "test",
                                 {from.data(), exponents.data(), pixels, out, activations.data()});
    CHECK(bench.download_values(activations.data(), pixels, out) == times_scales(dy, w.exponents).values);
  }
}

TEST_CASE("convolutions that quantize on load give the double reference's values", "[tensor core]") {
  for (const ConvCase& c : conv_cases()) {
    const Conv2d s = c.shape();
    const Quantized w(s);
    const Array x = rounded_to_bf16(uniform_array({s.batch, s.in_h, s.in_w, s.in_c}, 15));
    const Array dy = rounded_to_bf16(uniform_array({s.batch, s.out_h, s.out_w, s.out_c}, 16));
    const std::vector<double> y = reference::conv2d_forward(s, x, w.effective(), nullptr).values;
    const Array scaled = times_scales(dy, w.exponents);
    const std::vector<double> dx = reference::conv2d_backward_data(s, scaled, w.integers()).values;
    for (const int blocks : {1, 3}) {
      INFO(c.name << ", " << blocks << " blocks");
      const auto forward = resident<float>(s, x, w, WeightUse::forward, blocks, 1);
      CHECK(relative_error(forward, y) <= 1e-5);
      CHECK(relative_error(resident<float>(s, scaled, w, WeightUse::backward_data, blocks, 1), dx) <= 1e-5);
      if (blocks == 3) CHECK(forward == resident<float>(s, x, w, WeightUse::forward, 2, 7));
    }
    INFO(c.name << ", bf16 results");
    CHECK(norm_error(resident<Bf16>(s, x, w, WeightUse::forward, 2, 1), y) <= 2e-3);
    // Two roundings to bf16: of the factor with dy, and of the result.
    CHECK(norm_error(resident<Bf16>(s, scaled, w, WeightUse::backward_data, 2, 1),
                     reference::conv2d_backward_data(s, dy, w.effective()).values) <= 2.8e-3);
  }
}

TEST_CASE("a convolution measures its results on the way", "[tensor core]") {
  const Conv2d s = conv_cases().back().shape();  // several tiles, the last one ragged
  const Quantized w(s);
  Array x = uniform_array({s.batch, s.in_h, s.in_w, s.in_c}, 17);
  for (double& v : x.values) v += 50;  // a mean far from 0, where sums of squares would cancel
  x = rounded_to_bf16(x);
  const std::int64_t pixels = s.batch * s.out_h * s.out_w;
  const std::int64_t tiles = (pixels + cuda::kResidentRows - 1) / cuda::kResidentRows;
  std::vector<cuda::Moments> moments(static_cast<std::size_t>(tiles * s.out_c));
  const auto y = resident<float>(s, x, w, WeightUse::forward, 2, 1, moments.data());
  std::vector<double> means;
  std::vector<double> squares;
  std::vector<double> got_means;
  std::vector<double> got_squares;
  for (std::int64_t t = 0; t < tiles; ++t) {
    const std::int64_t first = t * cuda::kResidentRows;
    const std::int64_t end = std::min(pixels, first + cuda::kResidentRows);
    for (std::int64_t c = 0; c < s.out_c; ++c) {
      const auto value = [&](std::int64_t p) { return y[static_cast<std::size_t>(p * s.out_c + c)]; };
      double mean = 0;
      for (std::int64_t p = first; p < end; ++p) mean += value(p) / static_cast<double>(end - first);
      double sum = 0;
      for (std::int64_t p = first; p < end; ++p) sum += (value(p) - mean) * (value(p) - mean);
      means.push_back(mean);
      squares.push_back(sum);
      const cuda::Moments& m = moments[static_cast<std::size_t>(t * s.out_c + c)];
      got_means.push_back(static_cast<double>(m.mean));
      got_squares.push_back(static_cast<double>(m.squares));
    }
  }
  CHECK(relative_error(got_means, means) <= 1e-6);
  CHECK(relative_error(got_squares, squares) <= 1e-5);

  // And all tiles together.
  const auto channels = static_cast<std::size_t>(s.out_c);
  std::vector<double> mean(channels);
  std::vector<double> variance(channels);
  const auto n = static_cast<double>(pixels);
  for (std::size_t i = 0; i < y.size(); ++i) mean[i % channels] += y[i] / n;
  for (std::size_t i = 0; i < y.size(); ++i) variance[i % channels] += std::pow(y[i] - mean[i % channels], 2) / n;
  Bench bench;
  const auto there = bench.upload(moments);
  const cuda::Scratch<float> mean_there(bench.stream, s.out_c);
  const cuda::Scratch<float> variance_there(bench.stream, s.out_c);
  cuda::launch_finish_moments(
      bench.stream, "test",
      {there.data(), cuda::kResidentRows, narrow(pixels), narrow(s.out_c), mean_there.data(), variance_there.data()});
  CHECK(relative_error(bench.download_values(mean_there.data(), s.out_c), mean) <= 1e-6);
  CHECK(relative_error(bench.download_values(variance_there.data(), s.out_c), variance) <= 1e-5);
}

}  // namespace scnn::test
