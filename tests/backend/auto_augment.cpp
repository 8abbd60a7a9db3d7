#include "backend/auto_augment.h"

#include <cstdlib>
#include <random>

#include "backend/image_writer.h"
#include "catch.h"
#include "core/file.h"
#include "core/python.h"
#include "op_cases.h"
#include "reference.h"
#include "temporary_folder.h"

using namespace scnn;
using namespace scnn::test;

namespace {

/// Pictures that differ in what operations look at: noise, a dark and a bright range, a padded border, one colour.
std::vector<Picture> pictures(std::int32_t h, std::int32_t w, std::int32_t channels) {
  std::mt19937 generator(7);
  std::vector<Picture> list;
  for (int kind = 0; kind < 6; ++kind) {
    Picture picture{h, w, channels, {}};
    for (std::int32_t y = 0; y < h; ++y) {
      for (std::int32_t x = 0; x < w; ++x) {
        for (std::int32_t c = 0; c < channels; ++c) {
          const auto noise = static_cast<int>(generator() % 256);
          const bool border = y < 4 || x < 4 || y >= h - 4 || x >= w - 4;
          const int values[] = {
              noise, 20 + noise / 4, 130 + 40 * c + noise / 8, border ? 0 : noise, (5 * x + 3 * y + noise / 16) % 256,
              90};
          picture.pixels.push_back(static_cast<std::uint8_t>(values[kind]));
        }
      }
    }
    list.push_back(std::move(picture));
  }
  return list;
}

void write_pixels(const std::filesystem::path& file, const Picture& picture) {
  write_file(file, std::string(picture.pixels.begin(), picture.pixels.end()));
}

}  // namespace

TEST_CASE("all operations of AutoAugment's CIFAR-10 policy are the Python Imaging Library's, pixel by pixel") {
  const std::string python = python_with("numpy, PIL");
  if (python.empty()) SCNN_SKIP("no Python with NumPy and PIL (python3-pil)");
  const TemporaryFolder folder;
  std::string cases;
  int number = 0;
  const std::tuple<int, int, int> shapes[] = {{40, 40, 3}, {32, 32, 3}, {28, 28, 1}, {17, 24, 3}};
  for (const auto& [h, w, channels] : shapes) {
    for (const Picture& picture : pictures(h, w, channels)) {
      const std::string before = "before" + std::to_string(number);
      write_pixels(folder / before, picture);
      for (std::size_t sub = 0; sub < cifar10_policy().size(); ++sub) {
        for (std::size_t place = 0; place < 2; ++place) {
          for (const bool negative : {false, true}) {
            const AutoAugmentStep& step = cifar10_policy()[sub][place];
            Picture changed = picture;
            apply(step.op, step.level, negative, changed);
            const std::string after = "after" + std::to_string(number++);
            write_pixels(folder / after, changed);
            for (const std::string& word :
                 {std::to_string(sub), std::to_string(place), std::string(negative ? "1" : "0"),
                  std::to_string(step.probability), std::to_string(h), std::to_string(w), std::to_string(channels),
                  before, after}) {
              cases += word + " ";
            }
            cases += "\n";
          }
        }
      }
    }
  }
  REQUIRE(cifar10_policy().size() == 25);
  write_file(folder / "cases.txt", cases);
  CHECK(std::system((python + " tests/backend/check_auto_augment.py '" + folder.path().string() + "'").c_str()) == 0);
}

TEST_CASE("a sub-policy is drawn uniformly, its operations by their probabilities, their sides evenly") {
  const Picture noise = pictures(16, 16, 3)[0];
  std::array<int, 25> chosen{};
  int first = 0, second = 0, negative = 0, sided = 0;
  for (std::uint64_t image = 0; image < 5000; ++image) {
    const Draws draws = RandomStream(3, Stream::augment, 1).draws(image);
    const auto sub = static_cast<std::size_t>(static_cast<double>(draws.v[0]) / 4294967296.0 * 25);
    Picture expected = noise;
    for (std::size_t i = 0; i < 2; ++i) {
      const AutoAugmentStep& step = cifar10_policy()[sub][i];
      if (uniform(draws.v[i + 1]) >= step.probability) continue;
      (i == 0 ? first : second) += 1;
      ++sided;
      negative += draws.v[3] >> i & 1U;
      apply(step.op, step.level, (draws.v[3] >> i & 1U) != 0, expected);
    }
    Picture changed = noise;
    auto_augment(draws, changed);
    REQUIRE(changed.pixels == expected.pixels);
    ++chosen[sub];
  }
  // Five standard deviations.
  for (const int count : chosen) CHECK(std::abs(count - 200) < 70);
  CHECK(std::abs(negative - sided / 2) < 2.5 * std::sqrt(sided));
  double expected_first = 0, expected_second = 0;
  for (const auto& sub : cifar10_policy()) {
    expected_first += 200.0 * static_cast<double>(sub[0].probability);
    expected_second += 200.0 * static_cast<double>(sub[1].probability);
  }
  CHECK(std::abs(first - expected_first) < 180);
  CHECK(std::abs(second - expected_second) < 180);
}

TEST_CASE("a list in the paper's order does its steps one after the other: pad, AutoAugment, flip, crop, erase") {
  using Kind = AugmentStep::Kind;
  AugmentStep erasing{Kind::random_erasing, 0, 0.5F, {0.02F, 0.33F}, {0.3F, 3.3F}};
  AugmentSteps steps;
  for (const AugmentStep& step : {AugmentStep{Kind::pad, 4}, AugmentStep{Kind::auto_augment},
                                  AugmentStep{Kind::horizontal_flip, 0, 0.5F}, AugmentStep{Kind::crop}, erasing}) {
    steps.step[steps.count++] = step;
  }
  AugmentSteps twice = steps;  // a second one, behind a crop and in front of a hole of the mean colour
  twice.step[twice.count++] = {Kind::auto_augment};
  twice.step[twice.count++] = {Kind::cutout, 3};
  const RandomStream stream(5, Stream::augment, 2);
  for (const AugmentSteps& list : {steps, twice}) {
    Array pixels = zeros({40, 13, 16, 3}), labels = zeros({40}), indices = zeros({40});
    for (std::int64_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<double>((i * 37 + i / 11) % 256);
    for (std::int64_t i = 0; i < 40; ++i) indices[i] = static_cast<double>(i);
    const Array table = uniform_array({3, 256}, 3, -3, 3);
    const Array expected = reference::load_images(pixels, labels, indices, table, list, stream).at("x");
    const ImageWriter writer(13, 16, {table.values.begin(), table.values.end()}, list);
    for (std::int64_t image = 0; image < 40; ++image) {
      std::vector<std::uint8_t> from;
      for (std::int64_t i = 0; i < 624; ++i) from.push_back(static_cast<std::uint8_t>(pixels[image * 624 + i]));
      std::vector<float> to(624);
      writer.write(from.data(), image, stream, to.data());
      for (std::int64_t i = 0; i < 624; ++i)
        REQUIRE(to[static_cast<std::size_t>(i)] == static_cast<float>(expected[image * 624 + i]));
    }
  }
}
