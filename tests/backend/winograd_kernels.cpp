#include "backend/cpu/winograd_kernels.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "backend/cpu/winograd.h"
#include "catch.h"

namespace scnn::cpu {
namespace {

std::vector<float> numbers(std::int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> made(static_cast<std::size_t>(n));
  for (float& x : made) x = uniform(random);
  return made;
}

std::vector<const WinogradKernels*> available() {
  std::vector<const WinogradKernels*> kernels;
  for (const WinogradKernels* k : {avx2_kernels(), avx512_kernels()}) {
    if (k != nullptr) kernels.push_back(k);
  }
  return kernels;
}

struct Sizes {
  std::int64_t m, n, inner;
};

/// c [m + 1, n + lanes] of `sizes`; a is read by rows, or by columns as the gradient of weights does.
std::vector<float> product(const WinogradKernels& kernels, const Sizes& s, bool turned, bool add) {
  const std::vector<float> a = numbers(s.m * s.inner, 1), b = numbers(s.inner * s.n, 2);
  const std::int64_t row = s.n + lanes;
  std::vector<float> c = numbers((s.m + 1) * row, 3);
  const Product p{.a = a.data(),
                  .a_row = turned ? 1 : s.inner,
                  .a_inner = turned ? s.m : 1,
                  .b = b.data(),
                  .b_inner = s.n,
                  .c = c.data(),
                  .c_row = row,
                  .inner = s.inner};
  kernels.multiply(p, s.m, s.n, add);
  const std::vector<float> before = numbers((s.m + 1) * row, 3);
  double worst = 0;
  for (std::int64_t i = 0; i <= s.m; ++i) {
    for (std::int64_t j = 0; j < row; ++j) {
      const auto at = static_cast<std::size_t>(i * row + j);
      const bool inside = i < s.m && j < s.n;
      double want = add || !inside ? before[at] : 0;
      for (std::int64_t k = 0; inside && k < s.inner; ++k) {
        want += static_cast<double>(a[static_cast<std::size_t>(turned ? k * s.m + i : i * s.inner + k)]) *
                b[static_cast<std::size_t>(k * s.n + j)];
      }
      worst = std::max(worst, std::fabs(c[at] - want));
    }
  }
  CHECK(worst < 1e-5);
  return c;
}

/// Tiles of images and images of tiles, and the two sides of <scatter(m), y> = <m, gather(y)>.
std::vector<float> transforms(const WinogradKernels& kernels, TileShape shape, std::int64_t channels) {
  constexpr std::int64_t batch = 2, h = 7, w = 9;
  const std::int64_t step = shape.outputs;
  const TileGrid grid{.h = h,
                      .w = w,
                      .channels = channels,
                      .rows = (h + step - 1) / step,
                      .columns = (w + step - 1) / step,
                      .pad_h = 0,
                      .pad_w = 0,
                      .step = step};
  TileGrid inputs = grid;
  inputs.pad_h = 1;
  inputs.pad_w = 2;
  const std::int64_t tiles = batch * grid.rows * grid.columns;
  const std::int64_t row = padded(channels), plane = tiles * row + lanes;
  const auto image = static_cast<std::size_t>(batch * h * w * channels);
  std::vector<float> x = numbers(static_cast<std::int64_t>(image), 4);
  std::vector<float> v(static_cast<std::size_t>(shape.points() * plane), 0.5F);
  std::vector<float> m = v;
  kernels.gather_inputs(shape, inputs, x.data(), 0, tiles, {v.data(), plane, row});
  kernels.gather_outputs(shape, grid, x.data(), 0, tiles, {m.data(), plane, row});

  std::vector<float> points = numbers(shape.points() * plane, 5);
  std::vector<float> y(image + 1, 9.0F);
  kernels.scatter_outputs(shape, grid, {points.data(), plane, row}, 0, tiles, nullptr, y.data());
  CHECK(y.back() == 9.0F);
  double left = 0, right = 0;
  for (std::size_t i = 0; i < image; ++i) left += static_cast<double>(x[i]) * y[i];
  for (std::int64_t p = 0; p < shape.points(); ++p) {
    for (std::int64_t t = 0; t < tiles; ++t) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const auto at = static_cast<std::size_t>(p * plane + t * row + c);
        right += static_cast<double>(points[at]) * m[at];
      }
    }
  }
  CHECK(left == Approx(right).epsilon(1e-4).margin(1e-3));
  v.insert(v.end(), m.begin(), m.end());
  v.insert(v.end(), y.begin(), y.end());
  return v;
}

}  // namespace

TEST_CASE("block products are right at every size, and the same bits on every processor", "[winograd]") {
  const auto kernels = available();
  if (kernels.empty()) SCNN_SKIP("this processor has no AVX2");
  for (std::int64_t m = 1; m <= 26; ++m) {
    for (std::int64_t n = lanes; n <= 9 * lanes; n += lanes) {
      for (const bool turned : {false, true}) {
        INFO(m << " x " << n << (turned ? ", turned" : ""));
        const std::vector<float> first = product(*kernels[0], {m, n, 11}, turned, m % 2 == 0);
        if (kernels.size() > 1) CHECK(first == product(*kernels[1], {m, n, 11}, turned, m % 2 == 0));
      }
    }
  }
  if (kernels.size() < 2) SCNN_SKIP("this processor has no AVX-512 to compare with");
}

TEST_CASE("tile transforms have their adjoints, and the same bits on every processor", "[winograd]") {
  const auto kernels = available();
  if (kernels.empty()) SCNN_SKIP("this processor has no AVX2");
  for (const TileShape shape : {TileShape{2, 3}, TileShape{4, 3}, TileShape{4, 5}}) {
    for (const std::int64_t channels : {8, 9, 15, 16, 17, 24, 31, 40}) {
      INFO("F(" << shape.outputs << ", " << shape.taps << "), " << channels << " channels");
      const std::vector<float> first = transforms(*kernels[0], shape, channels);
      if (kernels.size() > 1) CHECK(first == transforms(*kernels[1], shape, channels));
    }
  }
  if (kernels.size() < 2) SCNN_SKIP("this processor has no AVX-512 to compare with");
}

TEST_CASE("minimal filtering does not depend on threads, nor an image's results on its batch", "[winograd]") {
  if (winograd_kernels() == nullptr) SCNN_SKIP("this processor has no AVX2");
  for (const std::int64_t kernel : {3, 5}) {
    const Conv2d many{.batch = 40,
                      .in_h = 13,
                      .in_w = 9,
                      .in_c = 13,
                      .out_h = 13,
                      .out_w = 9,
                      .out_c = 22,
                      .window = {.kernel_h = kernel, .kernel_w = kernel, .pad_h = kernel / 2, .pad_w = kernel / 2}};
    Conv2d one = many;
    one.batch = 1;
    REQUIRE(Winograd::takes(many));
    const std::int64_t pixels = many.batch * many.in_h * many.in_w;
    const auto x = numbers(pixels * many.in_c, 6), dy = numbers(pixels * many.out_c, 7);
    const auto w = numbers(kernel * kernel * many.in_c * many.out_c, 8);
    struct Results {
      std::vector<float> y, dx, dw;
    };
    const auto run = [&](const Conv2d& s, int threads) {
      Winograd winograd{Workers(threads)};
      const auto rows = static_cast<std::size_t>(s.batch * s.in_h * s.in_w);
      Results r{std::vector<float>(rows * static_cast<std::size_t>(s.out_c)),
                std::vector<float>(rows * static_cast<std::size_t>(s.in_c)), std::vector<float>(w.size())};
      winograd.forward(s, x.data(), w.data(), nullptr, r.y.data());
      winograd.backward_data(s, dy.data(), w.data(), r.dx.data());
      winograd.backward_weights(s, x.data(), dy.data(), r.dw.data());
      return r;
    };
    const Results alone = run(many, 1), shared = run(many, 3), first = run(one, 1);
    INFO(kernel << " x " << kernel);
    CHECK(alone.y == shared.y);
    CHECK(alone.dx == shared.dx);
    CHECK(alone.dw == shared.dw);
    CHECK(std::equal(first.y.begin(), first.y.end(), alone.y.begin()));
    CHECK(std::equal(first.dx.begin(), first.dx.end(), alone.dx.begin()));
  }
}

TEST_CASE("minimal filtering is left where its tiles lie outside the output for the most part", "[winograd]") {
  if (winograd_kernels() == nullptr) SCNN_SKIP("this processor has no AVX2");
  const auto takes = [](std::int64_t kernel, std::int64_t out) {
    const std::int64_t in = out + kernel - 1;
    return Winograd::takes({.in_h = in,
                            .in_w = in,
                            .in_c = 16,
                            .out_h = out,
                            .out_w = out,
                            .out_c = 24,
                            .window = {.kernel_h = kernel, .kernel_w = kernel}});
  };
  CHECK_FALSE(takes(5, 1));
  CHECK_FALSE(takes(5, 2));
  CHECK(takes(5, 20));
  CHECK_FALSE(takes(3, 1));
  CHECK(takes(3, 12));
}

}  // namespace scnn::cpu
