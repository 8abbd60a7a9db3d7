#include "scnn/backend/augment.h"

#include <array>
#include <vector>

#include "catch.h"

namespace scnn {
namespace {

using Kind = AugmentStep::Kind;

/// An image as a grid of labels: y * 100 + x, -1 for padding, -2 for a hole.
using Grid = std::vector<std::vector<int>>;

Grid plain(int h, int w) {
  Grid grid(h, std::vector<int>(w));
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) grid[y][x] = y * 100 + x;
  }
  return grid;
}

/// The steps carried out one after the other, as their descriptions say.
Grid carried_out(Grid image, const AugmentStep& step, const AugmentDraw& drawn) {
  const int h = static_cast<int>(image.size());
  const int w = static_cast<int>(image[0].size());
  if (step.kind == Kind::pad_crop) {
    const int pad = step.extent;
    Grid padded(h + 2 * pad, std::vector<int>(w + 2 * pad, -1));
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) padded[y + pad][x + pad] = image[y][x];
    }
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) image[y][x] = padded[y + pad + drawn.y][x + pad + drawn.x];
    }
  } else if (step.kind == Kind::horizontal_flip) {
    if (drawn.flip) {
      for (auto& row : image) row = {row.rbegin(), row.rend()};
    }
  } else {
    for (int y = std::max(0, drawn.y); y < std::min(h, drawn.y + step.extent); ++y) {
      for (int x = std::max(0, drawn.x); x < std::min(w, drawn.x + step.extent); ++x) image[y][x] = -2;
    }
  }
  return image;
}

}  // namespace

TEST_CASE("the plan of a list equals carrying out its steps one by one", "[data]") {
  const AugmentStep crop{Kind::pad_crop, 3, 1};
  const AugmentStep flip{Kind::horizontal_flip, 0, 0.5F};
  const AugmentStep even{Kind::cutout, 4, 1};
  const AugmentStep far{Kind::pad_crop, 20, 1};
  const AugmentStep odd{Kind::cutout, 3, 1};
  const std::vector<std::vector<AugmentStep>> lists{{},
                                                    {crop},
                                                    {flip},
                                                    {even},
                                                    {odd},
                                                    {crop, flip, even},
                                                    {even, flip, crop},
                                                    {flip, crop, odd, crop, even, flip},
                                                    {even, crop},
                                                    {far},
                                                    {odd, far, flip, even},
                                                    {odd, flip, crop, flip, crop}};
  for (const auto& steps : lists) {
    for (std::int64_t image = 0; image < 60; ++image) {
      const RandomStream stream(7, Stream::augment, 3);
      const int h = 6;
      const int w = 9;
      Grid expected = plain(h, w);
      std::vector<AugmentDraw> drawn;
      for (std::size_t i = 0; i < steps.size(); ++i) {
        drawn.push_back(draw_augmentation(steps[i], static_cast<int>(i), stream, image, h, w));
        expected = carried_out(expected, steps[i], drawn.back());
      }
      const AugmentPlan plan = plan_augmentation(drawn.data(), static_cast<int>(drawn.size()), h, w);
      Grid planned = plain(h, w);
      for (int y = 0; y < h; ++y) {
        for (int x = 0; x < w; ++x) {
          const PixelSource from = pixel_source(plan, y, x);
          planned[y][x] = from.kind == PixelSource::Kind::image  ? from.y * 100 + from.x
                          : from.kind == PixelSource::Kind::zero ? -1
                                                                 : -2;
        }
      }
      REQUIRE(planned == expected);
    }
  }
}

TEST_CASE("augmentation draws are uniform over their whole range", "[data]") {
  const int n = 9000;
  std::array<int, 9> crop_y{};
  std::array<int, 9> crop_x{};
  std::array<int, 6> hole{};
  int flips = 0;
  const RandomStream stream(11, Stream::augment, 0);
  for (std::int64_t image = 0; image < n; ++image) {
    const AugmentDraw crop = draw_augmentation({Kind::pad_crop, 4, 1}, 0, stream, image, 6, 6);
    REQUIRE((crop.y >= -4 && crop.y <= 4 && crop.x >= -4 && crop.x <= 4));
    ++crop_y[crop.y + 4];
    ++crop_x[crop.x + 4];
    flips += draw_augmentation({Kind::horizontal_flip, 0, 0.25F}, 1, stream, image, 6, 6).flip ? 1 : 0;
    const AugmentDraw cut = draw_augmentation({Kind::cutout, 4, 1}, 2, stream, image, 6, 6);
    REQUIRE((cut.y >= -2 && cut.y <= 3 && cut.x >= -2 && cut.x <= 3));
    ++hole[cut.y + 2];
  }
  // Five standard deviations of a binomial count.
  for (const int count : crop_y) CHECK(std::abs(count - 1000) < 150);
  for (const int count : crop_x) CHECK(std::abs(count - 1000) < 150);
  for (const int count : hole) CHECK(std::abs(count - 1500) < 180);
  CHECK(std::abs(flips - 2250) < 210);
}

TEST_CASE("erased rectangles are torchvision's: half of the images, area and proportions within their ranges",
          "[data]") {
  const AugmentStep step{Kind::random_erasing, 0, 0.5F, {0.02F, 0.33F}, {0.3F, 3.3F}};
  const RandomStream stream(2, Stream::augment, 6);
  const int n = 8000;
  int erased = 0, tall = 0, last_row = 0;
  double area = 0;
  for (std::int64_t image = 0; image < n; ++image) {
    const AugmentDraw hole = draw_augmentation(step, 4, stream, image, 32, 32);
    if (hole.hole_h == 0) continue;
    ++erased;
    const double share = hole.hole_h * hole.hole_w / 1024.0;
    const double ratio = static_cast<double>(hole.hole_h) / hole.hole_w;
    area += share;
    tall += hole.hole_h > hole.hole_w ? 1 : 0;
    last_row += hole.y + hole.hole_h == 32 ? 1 : 0;
    // Sides are rounded to whole pixels: half of one of at least 2 and 3.
    REQUIRE((share > 0.014 && share < 0.36 && ratio > 0.21 && ratio < 4.7));
    REQUIRE((hole.hole_h < 32 && hole.hole_w < 32 && hole.y >= 0 && hole.x >= 0));
    REQUIRE((hole.y + hole.hole_h <= 32 && hole.x + hole.hole_w <= 32));
  }
  CHECK(std::abs(erased - n / 2) < 225);  // five standard deviations
  // Uniform in area but for the few tries that do not fit, which are large; symmetric in proportions.
  CHECK(area / erased == Approx(0.175).margin(0.01));
  CHECK(std::abs(2 * tall - erased) < 0.1 * erased);
  CHECK(last_row > 100);
}

TEST_CASE("erasing gives up after ten tries that are as large as the image", "[data]") {
  const AugmentStep step{Kind::random_erasing, 0, 1, {0.99F, 1}, {1, 1}};
  for (std::int64_t image = 0; image < 50; ++image) {
    CHECK(draw_augmentation(step, 0, RandomStream(0, Stream::augment, 0), image, 16, 16).hole_h == 0);
  }
}

TEST_CASE("flips of probability 0 and 1 never and always happen", "[data]") {
  const RandomStream stream(0, Stream::augment, 0);
  for (std::int64_t image = 0; image < 500; ++image) {
    CHECK_FALSE(draw_augmentation({Kind::horizontal_flip, 0, 0}, 0, stream, image, 4, 4).flip);
    CHECK(draw_augmentation({Kind::horizontal_flip, 0, 1}, 0, stream, image, 4, 4).flip);
  }
}

TEST_CASE("augmentation draws depend on seed, epoch, image and step", "[data]") {
  const AugmentStep step{Kind::pad_crop, 500, 1};
  const auto draw = [&](std::uint64_t seed, std::uint32_t epoch, std::int64_t image, int index) {
    const AugmentDraw drawn = draw_augmentation(step, index, RandomStream(seed, Stream::augment, epoch), image, 32, 32);
    return std::pair(drawn.y, drawn.x);
  };
  CHECK(draw(1, 2, 3, 4) == draw(1, 2, 3, 4));
  CHECK(draw(1, 2, 3, 4) != draw(9, 2, 3, 4));
  CHECK(draw(1, 2, 3, 4) != draw(1, 9, 3, 4));
  CHECK(draw(1, 2, 3, 4) != draw(1, 2, 9, 4));
  CHECK(draw(1, 2, 3, 4) != draw(1, 2, 3, 9));
}

}  // namespace scnn
