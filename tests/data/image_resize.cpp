#include <algorithm>
#include <array>
#include <cmath>

#include "catch.h"
#include "data/image/resize.h"
#include "scnn/core/random.h"

namespace scnn {
namespace {

RgbImage noise(std::int64_t h, std::int64_t w) {
  RgbImage image{h, w, {}};
  const RandomStream stream(3, Stream::synthetic, static_cast<std::uint32_t>(h * 1000 + w));
  for (std::int64_t i = 0; i < h * w * 3; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(stream.draws(static_cast<std::uint64_t>(i)).v[0] >> 24U));
  return image;
}

/// Slow and in doubles, as the antialiased bilinear filter is usually written: centres at half pixels, a triangle as
/// wide as the larger of 1 and the scale, each output pixel divided by the weights that lie inside the image.
double reference(const RgbImage& image, std::int64_t h, std::int64_t w, std::int64_t i, std::int64_t j,
                 std::int64_t c) {
  const auto weight = [](std::int64_t out, std::int64_t n, std::int64_t N, std::int64_t in) {
    const double scale = static_cast<double>(n) / static_cast<double>(N);
    const double centre = (static_cast<double>(out) + 0.5) * scale;
    return std::max(0.0, 1.0 - std::abs(static_cast<double>(in) + 0.5 - centre) / std::max(1.0, scale));
  };
  double sum = 0, total = 0;
  for (std::int64_t y = 0; y < image.h; ++y) {
    for (std::int64_t x = 0; x < image.w; ++x) {
      const double k = weight(i, image.h, h, y) * weight(j, image.w, w, x);
      sum += k * image.pixels[static_cast<std::size_t>((y * image.w + x) * 3 + c)];
      total += k;
    }
  }
  return sum / total;
}

std::vector<std::uint8_t> fitted(const RgbImage& image, ImageFit fit, std::int64_t h, std::int64_t w,
                                 std::int64_t channels = 3) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(h * w * channels), 99);
  fit_image(image, fit, h, w, channels, out.data());
  return out;
}

}  // namespace

TEST_CASE("resizing is the antialiased bilinear filter, up and down", "[image]") {
  for (const auto& [h, w, out_h, out_w] : {std::array<std::int64_t, 4>{20, 30, 8, 9},
                                           {8, 8, 8, 8},
                                           {5, 7, 16, 24},
                                           {40, 6, 11, 13},
                                           {1, 1, 8, 8},
                                           {64, 3, 8, 8},
                                           {9, 100, 9, 8}}) {
    const RgbImage image = noise(h, w);
    const std::vector<std::uint8_t> out = fitted(image, ImageFit::stretch, out_h, out_w);
    double worst = 0;
    for (std::int64_t i = 0; i < out_h; ++i) {
      for (std::int64_t j = 0; j < out_w; ++j) {
        for (std::int64_t c = 0; c < 3; ++c) {
          worst = std::max(worst, std::abs(out[static_cast<std::size_t>((i * out_w + j) * 3 + c)] -
                                           reference(image, out_h, out_w, i, j, c)));
        }
      }
    }
    INFO(h << " x " << w << " to " << out_h << " x " << out_w);
    CHECK(worst <= 0.5 + 1e-9);
  }
}

TEST_CASE("an image of the right size stays as it is, and one colour stays one colour", "[image]") {
  const RgbImage image = noise(12, 9);
  CHECK(fitted(image, ImageFit::stretch, 12, 9) == image.pixels);
  CHECK(fitted(image, ImageFit::crop, 12, 9) == image.pixels);
  const RgbImage plain{33, 17, std::vector<std::uint8_t>(33 * 17 * 3, 201)};
  CHECK(fitted(plain, ImageFit::crop, 8, 8) == std::vector<std::uint8_t>(192, 201));
}

TEST_CASE("a crop takes the centred part of the wanted proportions", "[image]") {
  // 4 x 9 pixels to 4 x 4: columns 2 to 5.
  const RgbImage wide = noise(4, 9);
  std::vector<std::uint8_t> middle;
  for (std::size_t y = 0; y < 4; ++y) {
    const auto row = wide.pixels.begin() + static_cast<std::ptrdiff_t>((y * 9 + 2) * 3);
    middle.insert(middle.end(), row, row + 12);
  }
  CHECK(fitted(wide, ImageFit::crop, 4, 4) == middle);
  // 10 x 3 to 4 x 6 keeps 2 rows of 10: 4 and 5.
  const RgbImage tall = noise(10, 3);
  const RgbImage rows{2, 3, {tall.pixels.begin() + 36, tall.pixels.begin() + 54}};
  CHECK(fitted(tall, ImageFit::crop, 4, 6) == fitted(rows, ImageFit::stretch, 4, 6));
}

TEST_CASE("grey is the weighted mean of the colours", "[image]") {
  const RgbImage image{1, 4, {255, 0, 0, 0, 255, 0, 0, 0, 255, 80, 80, 80}};
  CHECK(fitted(image, ImageFit::stretch, 1, 4, 1) == std::vector<std::uint8_t>{76, 150, 29, 80});
}

}  // namespace scnn
