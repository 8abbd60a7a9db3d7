#include "scnn/data/batches.h"

#include "catch.h"
#include "scnn/backend/host_copy.h"
#include "training.h"

namespace scnn::test {

TEST_CASE("batches cut out of a set in the GPU's memory are those of the host", "[cuda][data]") {
  const auto cpu = backend_for({}, {.threads = 1});
  const auto gpu = backend_for({DeviceType::cuda, 0});
  BatchOptions options;
  options.batch_size = 48;
  options.shuffle = true;
  options.seed = 11;
  const Dataset& data = small_data();
  const ImageSet there = to_device(*gpu, data.train);
  const std::vector<Augmentation> lists[] = {
      {PadCrop{2}, HorizontalFlip{0.5}, Cutout{3}},
      {Pad{3}, HorizontalFlip{0.5}, Crop{}, RandomErasing{}},
      {Pad{3}, AutoAugment{}, HorizontalFlip{0.5}, Crop{}, RandomErasing{}},  // prepared on the host
  };
  for (const auto& [drop_last, list] : {std::pair(true, 0), {false, 0}, {true, 1}, {true, 2}}) {
    options.drop_last = drop_last;
    options.augment = lists[list];
    const auto expected = make_batches(*cpu, data.train, data.normalization, options);
    const auto batches = make_batches(*gpu, there, data.normalization, options);
    REQUIRE(batches->batches_per_epoch() == expected->batches_per_epoch());
    for (const std::int64_t epoch : {0, 3}) {
      expected->start(epoch, epoch);
      batches->start(epoch, epoch);
      while (const Batch* want = expected->next()) {
        const Batch* got = batches->next();
        REQUIRE(got != nullptr);
        REQUIRE(got->images.shape() == want->images.shape());
        CHECK(host_values(*gpu, got->images) == host_values(*cpu, want->images));
        Tensor labels = Tensor::host(want->labels.shape(), DType::int32);
        gpu->copy(got->labels, labels);
        CHECK(std::ranges::equal(labels.values<std::int32_t>(), want->labels.values<std::int32_t>()));
      }
      CHECK(batches->next() == nullptr);
    }
  }
}

TEST_CASE("an index outside the set is a bug that the next wait tells", "[cuda][data]") {
  const auto gpu = backend_for({DeviceType::cuda, 0});
  const ImageSet set = to_device(*gpu, small_data().test);
  const auto size = static_cast<std::int32_t>(set.size());
  const Tensor table = gpu->allocate({1, 256});
  Tensor x = gpu->allocate({1, 8, 8, 1});
  Tensor y = gpu->allocate({1}, DType::int32);
  for (const std::int32_t beyond : {-1, size}) {
    const std::vector<std::int32_t> indices{beyond};
    gpu->load_images(set.images, set.labels, device_indices(*gpu, indices), table, {}, {0, Stream::augment}, x, y);
    CHECK_THROWS_WITH(gpu->synchronize(), "load_images: index " + std::to_string(beyond) + " is outside [0, 128)");
  }
}

}  // namespace scnn::test
