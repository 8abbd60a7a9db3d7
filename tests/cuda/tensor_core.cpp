#include <numeric>

#include "catch.h"
#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/conv/bf16/conv_gemm.h"
#include "cuda/conv/bf16/conv_resident.h"
#include "cuda/conv/bf16/conv_wgrad.h"
#include "cuda/conv/fp32/convolution.h"
#include "device_arrays.h"
#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

using cuda::Bf16;
using cuda::ConvTile;
using cuda::WeightUse;
using cuda::WgradTile;

constexpr ConvTile conv_tiles[] = {ConvTile::m256_n128, ConvTile::m128_n128, ConvTile::m128_n64, ConvTile::m128_n32,
                                   ConvTile::m64_n64};
constexpr WgradTile wgrad_tiles[] = {WgradTile::m128_n192, WgradTile::m128_n128, WgradTile::m64_n128,
                                     WgradTile::m64_n64, WgradTile::m32_n128};

/// Integers of up to `bound` in magnitude.
Array integers(const Shape& shape, std::uint32_t seed, double bound) {
  Array a = uniform_array(shape, seed, -bound - 0.5, bound + 0.5);
  for (double& v : a.values) v = std::rint(v);
  return a;
}

/// A convolution with integer weights and a factor for each output channel.
struct Problem {
  explicit Problem(const ConvCase& c, bool exact = false)
      : shape(c.shape()),
        x(exact ? integers({shape.batch, shape.in_h, shape.in_w, shape.in_c}, 1, 4)
                : rounded_to_bf16(uniform_array({shape.batch, shape.in_h, shape.in_w, shape.in_c}, 1))),
        dy(exact ? integers({shape.batch, shape.out_h, shape.out_w, shape.out_c}, 2, 4)
                 : rounded_to_bf16(uniform_array({shape.batch, shape.out_h, shape.out_w, shape.out_c}, 2))),
        q(integers({shape.out_c, c.kernel, c.kernel, shape.in_c}, 3, exact ? 4 : 256)),
        scales(exact ? zeros({shape.out_c}) : uniform_array({shape.out_c}, 4, 0.01, 0.1)),
        bias(exact ? zeros({shape.out_c}) : uniform_array({shape.out_c}, 5)) {
    for (double& s : scales.values) s = exact ? 1 : s;
  }
  /// x from the weights' point of view: q times the scale of its row.
  [[nodiscard]] Array weights() const {
    Array w = q;
    for (std::int64_t i = 0; i < w.size(); ++i) w[i] *= scales[i / (w.size() / shape.out_c)];
    return w;
  }

  Conv2d shape;
  Array x, dy, q, scales, bias;
};

/// The streaming kernel's y (with 2^e and bias in the epilogue) or dx.
template <class Out>
std::vector<double> streamed(const Problem& p, ConvTile tile, WeightUse use, unsigned seed = 1) {
  Bench bench;
  use_schedule(seed);
  const bool forward = use == WeightUse::forward;
  const auto source = bench.upload(padded_bf16(forward ? p.x : p.dy));
  const auto weights = bench.upload(padded_bf16(p.q));
  const auto scales = bench.upload(p.scales);
  const auto bias = bench.upload(p.bias);
  const int channels = narrow(forward ? p.shape.out_c : p.shape.in_c);
  const std::int64_t rows = (forward ? p.dy.size() : p.x.size()) / channels;
  const int pitch = sizeof(Out) == 2 ? cuda::padded_channels(channels) : channels;
  const cuda::Scratch<Out> out(bench.stream, rows * pitch);
  for (const cuda::ConvGather& gather :
       forward ? std::vector{cuda::forward_gather(p.shape)} : cuda::backward_data_gathers(p.shape)) {
    cuda::ConvGemm<Out> conv;
    conv.gather = gather;
    conv.source = source.data();
    conv.weights = weights.data();
    conv.weight_rows = narrow(p.shape.out_c);
    conv.weight_taps = narrow(p.shape.window.kernel_h * p.shape.window.kernel_w);
    conv.weight_chunks = cuda::chunks_of(narrow(p.shape.in_c));
    conv.output = {out.data(), forward ? scales.data() : nullptr, forward ? bias.data() : nullptr, channels, pitch};
    cuda::launch_conv_gemm(bench.stream, "test", tile, use, conv);
  }
  if constexpr (sizeof(Out) == 2) {
    return bench.download_values(out.data(), rows, channels);
  } else {
    return bench.download_values(out.data(), rows * channels);
  }
}

std::vector<double> expected(const Problem& p, WeightUse use) {
  return use == WeightUse::forward ? reference::conv2d_forward(p.shape, p.x, p.weights(), &p.bias).values
                                   : reference::conv2d_backward_data(p.shape, p.dy, p.q).values;
}

/// The weight gradient by a tile of the general kernel, or by the narrow one.
std::vector<double> weight_gradient(const Problem& p, const WgradTile* tile, int splits, unsigned seed = 1) {
  Bench bench;
  use_schedule(seed);
  const int in = narrow(p.shape.in_c);
  const int out = narrow(p.shape.out_c);
  const auto dy = bench.upload(padded_bf16(p.dy));
  const std::int64_t count = p.q.size();
  const cuda::Scratch<float> partials(bench.stream, count * splits);
  const cuda::Scratch<float> dw(bench.stream, count);
  if (tile != nullptr) {
    const auto x = bench.upload(padded_bf16(p.x));
    cuda::launch_conv_wgrad(bench.stream, "test", *tile,
                            {cuda::forward_gather(p.shape), x.data(), dy.data(), out, in, splits, partials.data()});
  } else {
    const auto x = bench.upload(p.x);
    cuda::launch_narrow_wgrad(bench.stream, "test",
                              {cuda::forward_gather(p.shape), x.data(), dy.data(), out, in, splits, partials.data()});
  }
  cuda::sum_slices(bench.stream, "test", partials.data(), splits, count, dw.data());
  return bench.download_values(dw.data(), count);
}

bool fits_narrow(const Conv2d& s) { return s.window.kernel_h * s.window.kernel_w * s.in_c <= cuda::kNarrowColumns; }

}  // namespace

TEST_CASE("division by a multiplication is exact", "[tensor core]") {
  for (const int d : {1, 2, 3, 5, 7, 9, 25, 49, 196, 784, 1023, 1024, 1025, 65537, 1 << 30}) {
    const cuda::FastDivide by(d);
    for (int k = 0; k < 400; ++k) {
      const std::int64_t around = static_cast<std::int64_t>(d) * (k < 200 ? k : (1LL << 31) / d - k + 200);
      for (std::int64_t n = around - 1; n <= around + 1; ++n) {
        if (n < 0 || n >= (1LL << 31)) continue;
        REQUIRE(by.quotient(narrow(n)) == n / d);
      }
    }
  }
}

TEST_CASE("the order of the reduction visits every place once, and knows where", "[tensor core]") {
  for (const int slab : {4, 8}) {
    for (const int chunks : {1, 2, 3, 4, 7, 8, 9, 16, 21}) {
      for (const int kernel : {1, 2, 3, 5}) {
        const cuda::ReductionOrder order(chunks, kernel, kernel, slab);
        std::vector<int> seen(static_cast<std::size_t>(kernel * kernel * chunks));
        for (int t = 0; t < order.steps; ++t) {
          for (int j = 0; j < slab; ++j) {
            const auto p = order.place(t, j);
            if (!p.valid) continue;
            const int tap = p.tap_h * kernel + p.tap_w;
            ++seen.at(static_cast<std::size_t>(tap * chunks + p.chunk));
            CHECK(order.position(tap, p.chunk) == t * slab + j);
          }
        }
        CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
        CHECK(order.steps * slab - kernel * kernel * chunks < slab);
      }
    }
  }
}

TEST_CASE("bf16 rounds to nearest even and keeps what it can", "[tensor core]") {
  for (int i = -256; i <= 256; ++i) CHECK(rounded_to_bf16(i) == i);
  CHECK(rounded_to_bf16(257) == 256);
  CHECK(rounded_to_bf16(259) == 260);
  CHECK(rounded_to_bf16(-0.0) == 0);
  CHECK(std::isinf(rounded_to_bf16(3.4e38)));
  CHECK(std::isnan(rounded_to_bf16(NAN)));
}

TEST_CASE("streaming convolutions give the double reference's values in every tile", "[tensor core]") {
  double worst_float = 0;
  double worst_bf16 = 0;
  for (const ConvCase& c : conv_cases()) {
    const Problem problem(c);
    for (const WeightUse use : {WeightUse::forward, WeightUse::backward_data}) {
      const std::vector<double> want = expected(problem, use);
      for (const ConvTile tile : conv_tiles) {
        INFO(c.name << ", use " << static_cast<int>(use) << ", tile " << static_cast<int>(tile));
        const double as_float = relative_error(streamed<float>(problem, tile, use), want);
        CHECK(as_float <= 1e-5);
        worst_float = std::fmax(worst_float, as_float);
        if (tile != ConvTile::m64_n64 && tile != ConvTile::m128_n32) continue;
        const double as_bf16 = norm_error(streamed<Bf16>(problem, tile, use), want);
        CHECK(as_bf16 <= 2e-3);
        worst_bf16 = std::fmax(worst_bf16, as_bf16);
      }
    }
  }
  UNSCOPED_INFO("largest errors: float " << worst_float << ", bf16 " << worst_bf16);
  CHECK(worst_bf16 > 1e-5);  // bf16 outputs were rounded
}

TEST_CASE("small integers come through every product exactly", "[tensor core]") {
  for (const ConvCase& c : conv_cases()) {
    INFO(c.name);
    const Problem problem(c, true);
    for (const WeightUse use : {WeightUse::forward, WeightUse::backward_data}) {
      CHECK(streamed<float>(problem, ConvTile::m64_n64, use) == expected(problem, use));
    }
    const std::vector<double> dw = reference::conv2d_backward_weights(problem.shape, problem.x, problem.dy).values;
    CHECK(weight_gradient(problem, &wgrad_tiles[3], 2) == dw);
    if (fits_narrow(problem.shape)) CHECK(weight_gradient(problem, nullptr, 2) == dw);
  }
}

TEST_CASE("weight gradients give the double reference's values in every tile and split", "[tensor core]") {
  for (const ConvCase& c : conv_cases()) {
    const Problem problem(c);
    const std::vector<double> want = reference::conv2d_backward_weights(problem.shape, problem.x, problem.dy).values;
    for (const WgradTile& tile : wgrad_tiles) {
      for (const int splits : {1, 3}) {
        if (splits == 3 && tile != WgradTile::m64_n64 && tile != WgradTile::m128_n192) continue;
        INFO(c.name << ", tile " << static_cast<int>(tile) << ", splits " << splits);
        CHECK(relative_error(weight_gradient(problem, &tile, splits), want) <= 1e-5);
      }
    }
    if (!fits_narrow(problem.shape)) continue;
    for (const int splits : {1, 2, 40}) {  // 40: more than there are steps
      INFO(c.name << ", narrow, splits " << splits);
      CHECK(relative_error(weight_gradient(problem, nullptr, splits), want) <= 1e-5);
    }
  }
}

TEST_CASE("the schedule does not change a bit of a product", "[tensor core]") {
  const Problem problem(conv_cases()[4]);
  const Problem few(conv_cases()[2]);
  for (const WeightUse use : {WeightUse::forward, WeightUse::backward_data}) {
    const auto first = streamed<float>(problem, ConvTile::m64_n64, use, 1);
    for (const unsigned seed : {2U, 3U}) CHECK(streamed<float>(problem, ConvTile::m64_n64, use, seed) == first);
  }
  const auto general = weight_gradient(problem, &wgrad_tiles[2], 2, 1);
  const auto narrow_ones = weight_gradient(few, nullptr, 3, 1);
  for (const unsigned seed : {2U, 3U}) {
    CHECK(weight_gradient(problem, &wgrad_tiles[2], 2, seed) == general);
    CHECK(weight_gradient(few, nullptr, 3, seed) == narrow_ones);
  }
}

}  // namespace scnn::test
