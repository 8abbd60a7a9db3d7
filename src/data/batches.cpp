#include "scnn/data/batches.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "backend/image_writer.h"
#include "core/trace.h"
#include "data/augment_steps.h"
#include "data/order.h"
#include "data/prefetch.h"
#include "scnn/core/error.h"

namespace scnn {

struct BatchLoader::State {
  State(const ImageSet& image_set, const Normalization& normalization, const BatchOptions& batch_options);

  void begin(std::int64_t new_epoch);
  void fill(int slot, std::int64_t batch);

  ImageSet set;
  BatchOptions options;
  AugmentSteps steps;
  std::optional<ImageWriter> writer;  // none without images
  std::int64_t batches = 0;
  std::int32_t h = 0, w = 0, channels = 0;

  // The thread's own.
  std::int64_t epoch = 0;
  std::vector<std::int64_t> order;  // empty: as stored

  struct Slot {
    Tensor images, labels;  // of a full batch
    Batch batch;
  };
  std::vector<Slot> slots;
  std::unique_ptr<Prefetcher> prefetcher;  // last: its thread ends before what it uses
};

BatchLoader::State::State(const ImageSet& image_set, const Normalization& normalization,
                          const BatchOptions& batch_options)
    : set(image_set), options(batch_options), steps(steps_of(batch_options.augment)) {
  if (options.batch_size < 1) {
    throw Error(ErrorKind::experiment, "train.batch_size is " + std::to_string(options.batch_size) + ", use 1 or more");
  }
  require(options.prefetch >= 1 && options.prefetch <= 64, ErrorKind::bug, "BatchLoader: prefetch is 1 to 64");
  const std::int64_t n = set.size();
  batches = options.drop_last ? n / options.batch_size : (n + options.batch_size - 1) / options.batch_size;
  if (n > 0) {
    const Shape& shape = set.images.shape();
    require(shape.rank() == 4 && shape[0] == n, ErrorKind::bug, "BatchLoader: images and labels differ in number");
    require(set.images.dtype() == DType::uint8 && set.labels.dtype() == DType::int32, ErrorKind::bug,
            "BatchLoader: images are uint8, labels int32");
    require(set.images.device() == Device{} && set.labels.device() == Device{}, ErrorKind::bug,
            "BatchLoader: images and labels lie in host memory");
    h = static_cast<std::int32_t>(shape[1]);
    w = static_cast<std::int32_t>(shape[2]);
    channels = static_cast<std::int32_t>(shape[3]);
    require(normalization.mean.size() == static_cast<std::size_t>(channels) &&
                normalization.std.size() == static_cast<std::size_t>(channels),
            ErrorKind::bug, "BatchLoader: normalization and images differ in channels");
    if (needs_host(options.augment) && channels != 1 && channels != 3) {
      throw Error(ErrorKind::experiment, "data.augment: auto_augment takes grey or RGB images, these have " +
                                             std::to_string(channels) + " channels");
    }
    writer.emplace(h, w, normalization_table(normalization), steps);
  }
  // One more than are ready: the caller's.
  slots.resize(static_cast<std::size_t>(options.prefetch) + 1);
  prefetcher = std::make_unique<Prefetcher>(
      static_cast<int>(slots.size()), [this](std::int64_t run) { begin(run); },
      [this](int slot, std::int64_t batch) { fill(slot, batch); });
}

void BatchLoader::State::begin(std::int64_t new_epoch) {
  epoch = new_epoch;
  if (options.shuffle) {
    order = shuffled_order(set.size(), RandomStream(options.seed, Stream::shuffle, static_cast<std::uint32_t>(epoch)));
  }
}

void BatchLoader::State::fill(int index, std::int64_t number) {
  Slot& slot = slots[static_cast<std::size_t>(index)];
  const std::int64_t largest = std::min(options.batch_size, set.size());
  if (!slot.images.defined()) {
    slot.images = Tensor::host(Shape{largest, h, w, channels});
    slot.labels = Tensor::host(Shape{largest}, DType::int32);
  }
  const std::int64_t first = number * options.batch_size;
  const std::int64_t n = std::min(options.batch_size, set.size() - first);
  const std::int64_t image_size = static_cast<std::int64_t>(h) * w * channels;
  const std::uint8_t* pixels = set.images.data<std::uint8_t>();
  const std::int32_t* labels = set.labels.data<std::int32_t>();
  float* to = slot.images.data<float>();
  std::int32_t* label = slot.labels.data<std::int32_t>();
  const RandomStream draws(options.seed, Stream::augment, static_cast<std::uint32_t>(epoch));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t image = order.empty() ? first + i : order[static_cast<std::size_t>(first + i)];
    label[i] = labels[image];
    writer->write(pixels + image * image_size, image, draws, to + i * image_size);
  }
  slot.batch.images = slot.images.reshaped(Shape{n, h, w, channels});
  slot.batch.labels = slot.labels.reshaped(Shape{n});
}

BatchLoader::BatchLoader(const ImageSet& set, const Normalization& normalization, const BatchOptions& options)
    : state_(std::make_unique<State>(set, normalization, options)) {}

BatchLoader::~BatchLoader() = default;

std::int64_t BatchLoader::batches_per_epoch() const { return state_->batches; }

void BatchLoader::start(std::int64_t epoch, std::int64_t first) {
  require(epoch >= 0 && first >= 0 && first <= state_->batches, ErrorKind::bug,
          "BatchLoader::start: no such epoch or batch");
  state_->prefetcher->start(epoch, first, state_->batches);
}

const Batch* BatchLoader::next() {
  const TraceScope range("batch wait");
  const int slot = state_->prefetcher->next();
  return slot < 0 ? nullptr : &state_->slots[static_cast<std::size_t>(slot)].batch;
}

double BatchLoader::waited_seconds() const { return state_->prefetcher->waited_seconds(); }
double BatchLoader::preparation_seconds() const { return state_->prefetcher->busy_seconds(); }

}  // namespace scnn
