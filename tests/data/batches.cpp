#include "scnn/data/batches.h"

#include <algorithm>
#include <numeric>

#include "catch.h"
#include "files.h"
#include "scnn/backend/augment.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

/// n images of 4 x 5 x channels; pixel values differ everywhere; label i of image i.
ImageSet numbered(std::int64_t n, std::int64_t channels) {
  ImageSet set{Tensor::host(Shape{n, 4, 5, channels}, DType::uint8), Tensor::host(Shape{n}, DType::int32)};
  std::uint8_t* pixel = set.images.data<std::uint8_t>();
  for (std::int64_t i = 0; i < set.images.size(); ++i) pixel[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  for (std::int64_t i = 0; i < n; ++i) set.labels.data<std::int32_t>()[i] = static_cast<std::int32_t>(i);
  return set;
}

Normalization normalization_of(std::int64_t channels) {
  Normalization normalization;
  for (std::int64_t c = 0; c < channels; ++c) {
    normalization.mean.push_back(0.25F + 0.125F * static_cast<float>(c));
    normalization.std.push_back(0.5F - 0.125F * static_cast<float>(c));
  }
  return normalization;
}

struct Epoch {
  std::vector<std::int32_t> labels;
  std::vector<float> pixels;
  std::vector<std::int64_t> sizes;
  friend bool operator==(const Epoch&, const Epoch&) = default;
};

Epoch read_epoch(BatchLoader& loader, std::int64_t epoch, std::int64_t first = 0) {
  Epoch all;
  loader.start(epoch, first);
  while (const Batch* batch = loader.next()) {
    const auto labels = batch->labels.values<std::int32_t>();
    const auto pixels = batch->images.values<float>();
    REQUIRE(batch->images.shape()[0] == batch->labels.size());
    all.labels.insert(all.labels.end(), labels.begin(), labels.end());
    all.pixels.insert(all.pixels.end(), pixels.begin(), pixels.end());
    all.sizes.push_back(batch->labels.size());
  }
  return all;
}

BatchOptions everything(std::int64_t batch_size) {
  BatchOptions options;
  options.batch_size = batch_size;
  options.shuffle = true;
  options.seed = 42;
  options.augment = {PadCrop{2}, HorizontalFlip{0.5}, Cutout{2}};
  return options;
}

}  // namespace

TEST_CASE("batches in stored order, normalized, with a smaller last one", "[data]") {
  const ImageSet set = numbered(10, 3);
  BatchOptions options;
  options.batch_size = 4;
  BatchLoader loader(set, normalization_of(3), options);
  CHECK(loader.batches_per_epoch() == 3);
  const Epoch epoch = read_epoch(loader, 0);
  CHECK(epoch.sizes == std::vector<std::int64_t>{4, 4, 2});
  std::vector<std::int32_t> expected(10);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(epoch.labels == expected);
  for (std::size_t i = 0; i < epoch.pixels.size(); ++i) {
    const double mean = 0.25 + 0.125 * static_cast<double>(i % 3);
    const double deviation = 0.5 - 0.125 * static_cast<double>(i % 3);
    const double value = set.images.data<std::uint8_t>()[i];
    REQUIRE(epoch.pixels[i] == Approx((value / 255.0 - mean) / deviation).epsilon(1e-6).margin(1e-7));
  }
  options.drop_last = true;
  BatchLoader dropping(set, normalization_of(3), options);
  CHECK(dropping.batches_per_epoch() == 2);
  CHECK(read_epoch(dropping, 0).sizes == std::vector<std::int64_t>{4, 4});
}

TEST_CASE("each epoch is another permutation, the same for the same seed", "[data]") {
  const ImageSet set = numbered(100, 1);
  BatchOptions options;
  options.batch_size = 16;
  options.shuffle = true;
  BatchLoader loader(set, normalization_of(1), options);
  std::vector<std::int32_t> first = read_epoch(loader, 0).labels;
  const std::vector<std::int32_t> second = read_epoch(loader, 1).labels;
  CHECK(first != second);
  CHECK(read_epoch(loader, 0).labels == first);
  options.seed = 1;
  BatchLoader other(set, normalization_of(1), options);
  CHECK(read_epoch(other, 0).labels != first);
  std::vector<std::int32_t> sorted = second;
  std::ranges::sort(sorted);
  for (std::int32_t i = 0; i < 100; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
  CHECK_FALSE(std::ranges::is_sorted(first));
}

TEST_CASE("prefetch depth and batch size change nothing of what an image becomes", "[data]") {
  const ImageSet set = numbered(50, 3);
  BatchOptions options = everything(8);
  options.prefetch = 1;
  BatchLoader reference(set, normalization_of(3), options);
  const Epoch expected = read_epoch(reference, 3);
  for (const std::int64_t depth : {2, 5}) {
    options.prefetch = depth;
    BatchLoader loader(set, normalization_of(3), options);
    CHECK(read_epoch(loader, 3) == expected);
  }
  BatchLoader larger(set, normalization_of(3), everything(50));
  const Epoch other = read_epoch(larger, 3);
  CHECK(other.labels == expected.labels);
  CHECK(other.pixels == expected.pixels);
  CHECK(read_epoch(larger, 4).pixels != expected.pixels);
}

TEST_CASE("resuming at a batch gives the tail of the epoch", "[data]") {
  const ImageSet set = numbered(53, 1);
  BatchLoader loader(set, normalization_of(1), everything(8));
  const Epoch full = read_epoch(loader, 6);
  const std::int64_t pixels = 4 * 5;
  for (std::int64_t first = 0; first <= loader.batches_per_epoch(); ++first) {
    const Epoch tail = read_epoch(loader, 6, first);
    const std::int64_t skipped = std::min<std::int64_t>(first * 8, 53);
    CHECK(tail.labels == std::vector<std::int32_t>(full.labels.begin() + skipped, full.labels.end()));
    CHECK(tail.pixels == std::vector<float>(full.pixels.begin() + skipped * pixels, full.pixels.end()));
  }
}

TEST_CASE("starting in the middle of an epoch begins a clean one", "[data]") {
  const ImageSet set = numbered(64, 1);
  BatchLoader loader(set, normalization_of(1), everything(4));
  const Epoch expected = read_epoch(loader, 2);
  for (int taken = 0; taken < 8; ++taken) {
    loader.start(9);
    for (int i = 0; i < taken; ++i) REQUIRE(loader.next() != nullptr);
    REQUIRE(read_epoch(loader, 2) == expected);
  }
  loader.start(1);  // destroyed with an epoch under way
}

TEST_CASE("augmented batches: crops show raw zeros, holes the mean", "[data]") {
  const ImageSet set = numbered(30, 2);
  const Normalization normalization = normalization_of(2);
  BatchOptions options;
  options.batch_size = 30;
  options.seed = 8;
  options.augment = {PadCrop{2}, HorizontalFlip{0.5}, Cutout{3}};
  BatchLoader loader(set, normalization, options);
  const Epoch epoch = read_epoch(loader, 5);
  const RandomStream stream(8, Stream::augment, 5);
  const std::vector<AugmentStep> steps{{AugmentStep::Kind::pad_crop, 2, 1},
                                       {AugmentStep::Kind::horizontal_flip, 0, 0.5F},
                                       {AugmentStep::Kind::cutout, 3, 1}};
  std::size_t at = 0;
  int zeros = 0;
  int holes = 0;
  for (int image = 0; image < 30; ++image) {
    std::vector<AugmentDraw> d;
    for (int i = 0; i < 3; ++i)
      d.push_back(draw_augmentation(steps[static_cast<std::size_t>(i)], i, stream, image, 4, 5));
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 5; ++x) {
        const bool hole = y >= d[2].y && y < d[2].y + 3 && x >= d[2].x && x < d[2].x + 3;
        const int from_y = y + d[0].y;
        const int from_x = (d[1].flip ? 4 - x : x) + d[0].x;
        const bool zero = from_y < 0 || from_y > 3 || from_x < 0 || from_x > 4;
        holes += hole ? 1 : 0;
        zeros += zero ? 1 : 0;
        for (int c = 0; c < 2; ++c, ++at) {
          const int raw = zero ? 0 : set.images.data<std::uint8_t>()[((image * 4 + from_y) * 5 + from_x) * 2 + c];
          const double mean = 0.25 + 0.125 * c;
          const double expected = hole ? 0 : (raw / 255.0 - mean) / (0.5 - 0.125 * c);
          REQUIRE(epoch.pixels[at] == Approx(expected).epsilon(1e-6).margin(1e-7));
        }
      }
    }
  }
  CHECK(zeros > 50);
  CHECK(holes > 50);
}

TEST_CASE("augmented batches follow their plan for any list of steps", "[data]") {
  using Kind = AugmentStep::Kind;
  const ImageSet set = numbered(40, 3);
  const Normalization normalization = normalization_of(3);
  const std::vector<std::pair<std::vector<Augmentation>, std::vector<AugmentStep>>> lists{
      {{PadCrop{9}, HorizontalFlip{1}}, {{Kind::pad_crop, 9, 1}, {Kind::horizontal_flip, 0, 1}}},
      {{Cutout{3}, PadCrop{2}, Cutout{2}, HorizontalFlip{0.5}},
       {{Kind::cutout, 3, 1}, {Kind::pad_crop, 2, 1}, {Kind::cutout, 2, 1}, {Kind::horizontal_flip, 0, 0.5F}}}};
  for (const auto& [augment, steps] : lists) {
    BatchOptions options;
    options.batch_size = 40;
    options.augment = augment;
    BatchLoader loader(set, normalization, options);
    const Epoch epoch = read_epoch(loader, 1);
    const RandomStream stream(0, Stream::augment, 1);
    std::size_t at = 0;
    for (int image = 0; image < 40; ++image) {
      std::vector<AugmentDraw> drawn;
      for (const AugmentStep& step : steps) {
        drawn.push_back(draw_augmentation(step, static_cast<int>(drawn.size()), stream, image, 4, 5));
      }
      const AugmentPlan plan = plan_augmentation(drawn.data(), static_cast<int>(drawn.size()), 4, 5);
      for (int i = 0; i < 20; ++i) {
        const PixelSource from = pixel_source(plan, i / 5, i % 5);
        for (int c = 0; c < 3; ++c, ++at) {
          const std::uint8_t* pixels = set.images.data<std::uint8_t>() + image * 60;
          const int raw = from.kind == PixelSource::Kind::image ? pixels[(from.y * 5 + from.x) * 3 + c] : 0;
          const float shown = normalization_table(normalization)[static_cast<std::size_t>(256 * c + raw)];
          REQUIRE(epoch.pixels[at] == (from.kind == PixelSource::Kind::mean ? 0.0F : shown));
        }
      }
    }
  }
}

TEST_CASE("an empty set has no batches", "[data]") {
  BatchLoader loader(ImageSet{}, Normalization{}, BatchOptions{});
  CHECK(loader.batches_per_epoch() == 0);
  loader.start(0);
  CHECK(loader.next() == nullptr);
}

TEST_CASE("batch options that cannot be are refused", "[data]") {
  const auto failure = [](auto change) {
    BatchOptions options;
    change(options);
    return test::error_of(ErrorKind::experiment, [&] { BatchLoader(numbered(4, 1), normalization_of(1), options); });
  };
  CHECK(failure([](auto& o) { o.batch_size = 0; }) == "train.batch_size is 0, use 1 or more");
  CHECK(failure([](auto& o) { o.augment = {PadCrop{-1}}; }) == "data.augment: pad_crop.pad is -1, use 0 to 1024");
  CHECK(failure([](auto& o) { o.augment = {Cutout{0}}; }) == "data.augment: cutout.size is 0, use 1 to 4096");
  CHECK(failure([](auto& o) { o.augment = {HorizontalFlip{1.5}}; }) ==
        "data.augment: horizontal_flip.probability is 1.500000, use 0 to 1");
  CHECK(failure([](auto& o) { o.augment.assign(17, PadCrop{1}); }) == "data.augment has 17 steps, the limit is 16");
  CHECK_THROWS_WITH(BatchLoader(numbered(4, 3), normalization_of(1), {}),
                    "BatchLoader: normalization and images differ in channels");
  BatchLoader loader(numbered(4, 1), normalization_of(1), {});
  CHECK_THROWS_WITH(loader.start(0, 2), "BatchLoader::start: no such epoch or batch");
}

}  // namespace scnn
