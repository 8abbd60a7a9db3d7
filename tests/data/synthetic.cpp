#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "catch.h"
#include "core/file.h"
#include "data/formats.h"
#include "files.h"

namespace scnn {
namespace {

std::uint64_t hash_of(const Tensor& tensor) {
  return hash64({static_cast<const std::byte*>(tensor.raw()), tensor.bytes()});
}

/// Share of test images whose nearest training image (squared distance) has their label.
double nearest_neighbour_accuracy(const Dataset& set) {
  const std::int64_t size = set.h * set.w * set.channels;
  const std::uint8_t* train = set.train.images.data<std::uint8_t>();
  const std::uint8_t* test = set.test.images.data<std::uint8_t>();
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < set.test.size(); ++i) {
    std::int64_t best = std::numeric_limits<std::int64_t>::max();
    std::int32_t label = -1;
    for (std::int64_t j = 0; j < set.train.size(); ++j) {
      std::int64_t distance = 0;
      for (std::int64_t p = 0; p < size; ++p) {
        const int d = test[i * size + p] - train[j * size + p];
        distance += d * d;
      }
      if (distance < best) {
        best = distance;
        label = set.train.labels.data<std::int32_t>()[j];
      }
    }
    right += label == set.test.labels.data<std::int32_t>()[i] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(set.test.size());
}

}  // namespace

TEST_CASE("synthetic images can be learned, and noise is in them", "[data]") {
  SyntheticOptions options;
  options.train = 800;
  options.test = 100;
  const Dataset grey = make_synthetic(options, 1);
  REQUIRE(grey.train.images.shape() == Shape{800, 16, 16, 1});
  CHECK(grey.class_names == std::vector<std::string>{"disc", "square", "triangle", "cross"});
  CHECK(nearest_neighbour_accuracy(grey) > 0.8);
  options.channels = 3;
  options.classes = 10;
  const Dataset colour = make_synthetic(options, 1);
  CHECK(colour.class_names[7] == "striped square");
  CHECK(nearest_neighbour_accuracy(colour) > 0.6);
  std::set<std::uint8_t> values;
  for (const std::uint8_t v : colour.train.images.values<std::uint8_t>()) values.insert(v);
  CHECK(values.size() > 150);
}

TEST_CASE("synthetic images depend on the seed alone", "[data]") {
  const Dataset a = make_synthetic({}, 5);
  const Dataset b = make_synthetic({}, 5);
  CHECK(hash_of(a.train.images) == hash_of(b.train.images));
  CHECK(hash_of(a.train.images) != hash_of(make_synthetic({}, 6).train.images));
  CHECK(std::memcmp(a.train.images.raw(), a.test.images.raw(), 256) != 0);
  // The same pixels on every machine: this hash is part of what experiments rely on.
  CHECK(hex64(hash_of(a.train.images)) == "ec93ba741eeeb74b");
  SyntheticOptions more;
  more.train = 4096;
  CHECK(std::memcmp(a.train.images.raw(), make_synthetic(more, 5).train.images.raw(), a.train.images.bytes()) == 0);
}

TEST_CASE("synthetic options that cannot be are refused", "[data]") {
  const auto failure = [](auto change) {
    SyntheticOptions options;
    change(options);
    return test::error_of(ErrorKind::experiment, [&] { (void)make_synthetic(options, 0); });
  };
  CHECK(failure([](auto& o) { o.classes = 25; }) == "data.classes: 25 is out of range: use 2 to 24");
  CHECK(failure([](auto& o) { o.train = 0; }) == "data.train: 0 is out of range: use 1 to 10000000");
  CHECK(failure([](auto& o) { o.test = 0; }) == "data.test: 0 is out of range: use 1 to 10000000");
  CHECK(failure([](auto& o) { o.channels = 17; }) == "data.channels: 17 is out of range: use 1 to 16");
  CHECK(failure([](auto& o) { o.h = 7; }) == "data.height: 7 is out of range: use 8 to 1024");
  CHECK(failure([](auto& o) { o.w = 2000; }) == "data.width: 2000 is out of range: use 8 to 1024");
}

}  // namespace scnn
