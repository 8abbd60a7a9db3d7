#include "scnn/core/number_format.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "catch.h"

namespace scnn {
namespace {

double q(double w, double b, double e) { return quantize(w, channel_format(b, e)); }

}  // namespace

TEST_CASE("powers of two: exact at integers, within 1.2 units in the last place between them", "[number_format]") {
  for (int whole = -149; whole <= 127; ++whole) {
    CHECK(portable_exp2(static_cast<float>(whole)) == std::ldexp(1.0F, whole));
  }
  double worst = 0;
  for (float x = -20.0F; x < 10.0F; x += 0.00037F) {
    const double right = std::exp2(static_cast<double>(x));
    const double unit = std::ldexp(1.0, std::ilogb(right) - 23);
    worst = std::max(worst, std::abs(static_cast<double>(portable_exp2(x)) - right) / unit);
  }
  CHECK(worst < 1.2);
  // The very bits, of any compiler and processor.
  CHECK(portable_exp2(-5.3F) == 0x1.9fdf88p-6F);
  CHECK(portable_exp2(0.4999F) == 0x1.6a037ap+0F);
  CHECK(portable_exp2(-1000.0F) == 0.0F);
  CHECK(std::isinf(portable_exp2(1000.0F)));
  CHECK(std::isnan(portable_exp2(std::nanf(""))));
}

TEST_CASE("ties round to even", "[number_format]") {
  // At b = 0 both bounds are -0.5: a channel without bits is zero, whatever its weights.
  for (const double w : {-100.0, -0.3, 0.0, 0.5, 7.0}) {
    CHECK(q(w, 0, 0) == 0.0);
    CHECK(quantize(static_cast<float>(w), channel_format(0.0F, -2.0F)) == 0.0F);
  }
  const double expected[] = {-4, -4, -2, -2, -2, -0.0, 0, 0, 2, 2, 2, 4, 4};
  const double weights[] = {-4, -3.5, -2.5, -2, -1.5, -0.5, 0, 0.5, 1.5, 2, 2.5, 3.5, 4};
  for (int i = 0; i < 13; ++i) {
    CHECK(q(weights[i], 8, 0) == expected[i]);
    CHECK(quantize(static_cast<float>(weights[i]), channel_format(8.0F, 0.0F)) == static_cast<float>(expected[i]));
  }
}

TEST_CASE("bits say how many levels there are", "[number_format]") {
  const auto levels = [](double bits) {
    const auto f = channel_format(bits, 0.0);
    return std::pair{quantize_integer(-1e9, f), quantize_integer(1e9, f)};
  };
  CHECK(levels(0.5) == std::pair{-1.0, -0.0});  // two levels below 1.58 bits
  CHECK(levels(1) == std::pair{-1.0, 0.0});
  CHECK(levels(2) == std::pair{-2.0, 1.0});
  CHECK(levels(2.5) == std::pair{-3.0, 2.0});
  CHECK(levels(8) == std::pair{-128.0, 127.0});
}

TEST_CASE("the exponent scales range and step", "[number_format]") {
  CHECK(q(0.3, 8, -2) == 0.25);
  CHECK(q(100, 3, -2) == 0.75);
  CHECK(q(-100, 3, -2) == -1.0);
  CHECK(q(1.0, 8, -0.5) == Approx(std::sqrt(0.5)).epsilon(1e-15));  // a real exponent: 1 is 1.41 steps
}

TEST_CASE("derivatives agree with finite differences of the straight-through surrogate", "[number_format]") {
  const double h = 1e-6;
  for (const double b : {0.4, 1.0, 2.3, 4.0, 7.7}) {
    for (const double e : {-5.0, -1.3, 0.0, 2.1}) {
      for (const double position : {-300.2, -3.3, -0.7, -0.26, 0.02, 0.13, 0.9, 2.2, 40.6, 500.0}) {
        const double w = position * std::exp2(e);
        const auto f = channel_format(b, e);
        const auto clamped = [](double x, double bits, double exponent) {
          return std::fmin(std::fmax(x * std::exp2(-exponent), -std::exp2(bits - 1)), std::exp2(bits - 1) - 1);
        };
        const double rounding = quantize_integer(w, f) - clamped(w, b, e);
        const auto surrogate = [&](double x, double bits, double exponent) {
          return std::exp2(exponent) * (clamped(x, bits, exponent) + rounding);
        };
        const auto d = quantize_gradient(w, f);
        INFO("b " << b << ", e " << e << ", w " << w);
        const double unit = std::exp2(e);
        CHECK(d.dw ==
              Approx((surrogate(w + h * unit, b, e) - surrogate(w - h * unit, b, e)) / (2 * h * unit)).margin(1e-6));
        CHECK(d.db == Approx((surrogate(w, b + h, e) - surrogate(w, b - h, e)) / (2 * h)).epsilon(1e-6).margin(1e-7));
        CHECK(d.de == Approx((surrogate(w, b, e + h) - surrogate(w, b, e - h)) / (2 * h)).epsilon(1e-6).margin(1e-7));
      }
    }
  }
}

TEST_CASE("a weight on the edge of the range counts as inside", "[number_format]") {
  const auto f = channel_format(3.0, -1.0);
  for (const double s : {-4.0, 3.0}) {
    const auto d = quantize_gradient(s / 2, f);
    CHECK(d.dw == 1.0);
    CHECK(d.db == 0.0);
    CHECK(d.de == 0.0);
  }
  const double ln2 = std::log(2.0);
  const auto above = quantize_gradient(1.6, f);
  CHECK(above.dw == 0.0);
  CHECK(above.db == Approx(ln2 * 4 * 0.5));
  CHECK(above.de == Approx(ln2 * 0.5 * 3));
  const auto below = quantize_gradient(-2.1, f);
  CHECK(below.db == Approx(-ln2 * 4 * 0.5));
  CHECK(below.de == Approx(ln2 * 0.5 * -4));
}

}  // namespace scnn
