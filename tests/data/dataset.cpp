#include "scnn/data/dataset.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "catch.h"
#include "files.h"
#include "scnn/data/catalogue.h"

namespace scnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

DataOptions mnist_at(const std::filesystem::path& root) {
  DataOptions options;
  options.type = "mnist";
  options.root = root.string();
  return options;
}

/// The numbers of idx_images() again: pixel 0 of image i is 37 * i % 256, below 256 images all different.
std::vector<int> numbers(const ImageSet& set) {
  std::vector<int> list;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const int first = set.images.data<std::uint8_t>()[i * 15];
    int number = 0;
    while (number * 37 % 256 != first) ++number;
    CHECK(set.labels.data<std::int32_t>()[i] == number % 10);
    list.push_back(number);
  }
  return list;
}

std::string dataset_refusal(const DataOptions& options) {
  return error_of(ErrorKind::experiment, [&] { (void)load_dataset(options, 0); });
}

}  // namespace

TEST_CASE("a data set in MNIST's files is read whole", "[data]") {
  for (const char* suffix : {"", ".gz"}) {
    const TemporaryFolder folder;
    test::write_idx_set(folder / "mnist", 40, 7, suffix);
    const Dataset set = load_dataset(mnist_at(folder.path()), 0);
    CHECK(set.train.images.shape() == Shape{40, 3, 5, 1});
    CHECK(set.test.images.shape() == Shape{7, 3, 5, 1});
    CHECK(set.validation.size() == 0);
    CHECK((set.h == 3 && set.w == 5 && set.channels == 1 && set.classes == 10));
    CHECK(set.class_names[9] == "9");
    const std::vector<int> all = numbers(set.train);
    CHECK(std::ranges::is_sorted(all));
    CHECK(set.name == "MNIST (unofficial copy)");
    REQUIRE(set.warnings.size() == 1);
    CHECK(set.warnings[0] == (folder / "mnist").string() +
                                 ": nothing proves that this is the published MNIST (40 training and 7 test images; "
                                 "the published set has 60000 and 10000); to be sure, get the files with: scnn data "
                                 "fetch mnist");
  }
}

TEST_CASE("limit and validation share take disjoint seeded parts", "[data]") {
  const TemporaryFolder folder;
  test::write_idx_set(folder.path(), 200, 5);
  DataOptions options = mnist_at(folder.path());
  options.train_limit = 100;
  const std::vector<int> limited = numbers(load_dataset(options, 3).train);
  CHECK(limited.size() == 100);
  CHECK(std::ranges::is_sorted(limited));
  CHECK(limited.back() > 150);  // not the first hundred
  CHECK(numbers(load_dataset(options, 3).train) == limited);
  CHECK(numbers(load_dataset(options, 4).train) != limited);

  options.validation_fraction = 0.25;
  const Dataset set = load_dataset(options, 3);
  const std::vector<int> train = numbers(set.train);
  const std::vector<int> validation = numbers(set.validation);
  CHECK(train.size() == 75);
  CHECK(validation.size() == 25);
  std::vector<int> both;
  std::ranges::merge(train, validation, std::back_inserter(both));
  CHECK(both == limited);
  CHECK(set.test.size() == 5);

  options.train_limit = 50;  // the first 50 of the same shuffle
  options.validation_fraction = 0;
  const std::vector<int> fewer = numbers(load_dataset(options, 3).train);
  CHECK(std::ranges::includes(limited, fewer));
}

TEST_CASE("normalization is measured on the images left for training", "[data]") {
  const TemporaryFolder folder;
  test::write_idx_set(folder.path(), 64, 5);
  DataOptions options = mnist_at(folder.path());
  options.validation_fraction = 0.5;
  const Dataset set = load_dataset(options, 1);
  double sum = 0;
  double squares = 0;
  for (const std::uint8_t v : set.train.images.values<std::uint8_t>()) {
    sum += v / 255.0;
    squares += (v / 255.0) * (v / 255.0);
  }
  const auto n = static_cast<double>(set.train.images.size());
  REQUIRE(set.normalization.mean.size() == 1);
  CHECK(set.normalization.mean[0] == Approx(sum / n).epsilon(1e-6));
  CHECK(set.normalization.std[0] == Approx(std::sqrt(squares / n - sum / n * (sum / n))).epsilon(1e-6));

  const Tensor two = Tensor::host(Shape{1, 1, 2, 2}, DType::uint8);
  const std::vector<std::uint8_t> pixels{7, 0, 7, 255};
  std::ranges::copy(pixels, Tensor(two).data<std::uint8_t>());
  const Normalization measured = measure_normalization(two);
  CHECK(measured.mean[0] == Approx(7 / 255.0));
  CHECK(measured.std[0] == 1);  // one colour: nothing to scale
  CHECK(measured.mean[1] == Approx(0.5));
  CHECK(measured.std[1] == Approx(0.5));
  const std::vector<float> table = normalization_table(measured);
  REQUIRE(table.size() == 512);
  CHECK(table[256] == -1);
  CHECK(table[256 + 255] == 1);
}

TEST_CASE("data settings that cannot be are refused by name", "[data]") {
  const TemporaryFolder folder;
  test::write_idx_set(folder.path(), 20, 5);
  DataOptions options = mnist_at(folder.path());
  const auto failure = [&](auto change) {
    DataOptions changed = options;
    change(changed);
    return dataset_refusal(changed);
  };
  CHECK(failure([](auto& o) { o.train_limit = 21; }) ==
        "data.train_limit: 21 is out of range: MNIST (unofficial copy) has 20 training images; use 0 (all) to 20");
  CHECK(failure([](auto& o) { o.validation_fraction = 1; }) ==
        "data.validation.fraction: 1.000000 is out of range: use 0 or more and less than 1");
  CHECK(failure([](auto& o) { o.validation_fraction = 0.99; }) ==
        "data.validation.fraction: 0.990000 of 20 images leaves none to train on: lower it");
  CHECK(failure([](auto& o) {
          o.mean = {0.5, 0.5};
        }) ==
        "data.normalize: 2 means and 0 deviations; the images have 1 channels: give one of each a channel, or neither "
        "to measure them");
  CHECK(failure([](auto& o) {
          o.mean = {0.5};
          o.std = {0};
        }) == "data.normalize.std: that of channel 0 is 0.000000: use a number above 0");
  CHECK(failure([](auto& o) {
          o.mean = {std::nan("")};
          o.std = {1};
        }) == "data.normalize.mean: that of channel 0 is not a finite number");
  options.mean = {0.25};
  options.std = {0.75};
  const Dataset set = load_dataset(options, 0);
  CHECK(set.normalization.mean == std::vector<float>{0.25F});
  CHECK(set.normalization.std == std::vector<float>{0.75F});
  options.type = "nothing";
  CHECK(dataset_refusal(options).starts_with("data.type 'nothing' is not known"));
}

TEST_CASE("incomplete sets and unequal splits are named", "[data]") {
  const TemporaryFolder folder;
  test::write_idx_set(folder.path(), 4, 4);
  const auto failure = [&] {
    return error_of(ErrorKind::data, [&] { (void)load_dataset(mnist_at(folder.path()), 0); });
  };
  test::write_bytes(folder / "t10k-images-idx3-ubyte.gz", test::idx_images(4, 4, 5));
  CHECK(failure() == folder.path().string() +
                         ": test images are 4 x 5 pixels, training images 3 x 5; replace it: get the files with: scnn "
                         "data fetch mnist");
  std::filesystem::remove(folder / "t10k-images-idx3-ubyte.gz");
  CHECK(failure() == folder.path().string() +
                         ": MNIST is not complete, t10k-images-idx3-ubyte is missing; get the files with: scnn data "
                         "fetch mnist");
}

TEST_CASE("CIFAR-10 and CIFAR-100 are read from their official layout", "[data]") {
  const TemporaryFolder folder;
  test::write_cifar10(folder / "cifar-10-batches-bin");
  DataOptions options;
  options.type = "cifar10";
  options.root = folder.path().string();
  const Dataset ten = load_dataset(options, 0);
  CHECK(ten.name == "CIFAR-10 (unofficial copy)");
  CHECK(ten.warnings.size() == 1);
  CHECK(ten.train.images.shape() == Shape{10, 32, 32, 3});
  CHECK(ten.test.size() == 3);
  for (std::int32_t i = 0; i < 10; ++i) CHECK(ten.train.labels.data<std::int32_t>()[i] == i);
  CHECK(ten.class_names[9] == "truck");

  test::write_bytes(folder / "cifar-100-binary/train.bin", test::cifar_rows(0, 4, "\x03"));
  test::write_bytes(folder / "cifar-100-binary/test.bin", test::cifar_rows(5, 2, "\x03"));
  options.type = "cifar100";
  const Dataset hundred = load_dataset(options, 0);
  CHECK(hundred.classes == 100);
  CHECK(hundred.train.labels.data<std::int32_t>()[2] == 2);
  CHECK(hundred.test.size() == 2);
}

TEST_CASE("the synthetic set goes through the same split", "[data]") {
  DataOptions options;
  options.type = "synthetic";
  options.validation_fraction = 0.25;
  const Dataset set = load_dataset(options, 9);
  CHECK(set.train.size() == 1536);
  CHECK(set.validation.size() == 512);
  CHECK(set.test.size() == 512);
  CHECK(set.warnings.empty());
}

TEST_CASE("Fashion-MNIST as installed is the published set", "[data]") {
  const DataInfo& info = data_info("fashion_mnist");
  if (!find_data(info, "auto")) SCNN_SKIP("Fashion-MNIST is not installed (sudo apt install dataset-fashion-mnist)");
  const Dataset set = load_dataset({}, 0);
  CHECK(set.name == "Fashion-MNIST");
  CHECK(set.warnings.empty());
  CHECK(set.train.images.shape() == Shape{60000, 28, 28, 1});
  CHECK(set.test.images.shape() == Shape{10000, 28, 28, 1});
  // Computed with NumPy from the published files.
  CHECK(set.normalization.mean[0] == Approx(0.2860405969887955).epsilon(1e-6));
  CHECK(set.normalization.std[0] == Approx(0.35302424451492254).epsilon(1e-6));
  std::vector<int> count(10);
  for (const std::int32_t label : set.train.labels.values<std::int32_t>()) ++count[static_cast<std::size_t>(label)];
  CHECK(count == std::vector<int>(10, 6000));
  CHECK(set.train.labels.data<std::int32_t>()[0] == 9);  // the first picture is an ankle boot
}

}  // namespace scnn
