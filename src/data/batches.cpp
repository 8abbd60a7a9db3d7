#include "scnn/data/batches.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "data/order.h"
#include "data/prefetch.h"
#include "scnn/core/error.h"
#include "scnn/core/range.h"
#include "scnn/data/augment.h"

namespace scnn {
namespace {

AugmentStep step_of(const PadCrop& crop) {
  if (crop.pad < 0 || crop.pad > 1024) {
    throw Error(ErrorKind::experiment, "data.augment: pad_crop.pad is " + std::to_string(crop.pad) + ", use 0 to 1024");
  }
  return {AugmentStep::Kind::pad_crop, static_cast<std::int32_t>(crop.pad), 1};
}

AugmentStep step_of(const HorizontalFlip& flip) {
  if (!(flip.probability >= 0 && flip.probability <= 1)) {
    throw Error(ErrorKind::experiment,
                "data.augment: horizontal_flip.probability is " + std::to_string(flip.probability) + ", use 0 to 1");
  }
  return {AugmentStep::Kind::horizontal_flip, 0, static_cast<float>(flip.probability)};
}

AugmentStep step_of(const Cutout& cutout) {
  if (cutout.size < 1 || cutout.size > 4096) {
    throw Error(ErrorKind::experiment,
                "data.augment: cutout.size is " + std::to_string(cutout.size) + ", use 1 to 4096");
  }
  return {AugmentStep::Kind::cutout, static_cast<std::int32_t>(cutout.size), 1};
}

std::vector<AugmentStep> steps_of(const std::vector<Augmentation>& list) {
  if (list.size() > max_augment_steps) {
    throw Error(ErrorKind::experiment, "data.augment has " + std::to_string(list.size()) + " steps, the limit is " +
                                           std::to_string(max_augment_steps));
  }
  std::vector<AugmentStep> steps;
  for (const Augmentation& one : list) {
    steps.push_back(std::visit([](const auto& kind) { return step_of(kind); }, one));
  }
  return steps;
}

}  // namespace

struct BatchLoader::State {
  State(const ImageSet& image_set, const Normalisation& normalisation, const BatchOptions& batch_options);

  void begin(std::int64_t new_epoch);
  void fill(int slot, std::int64_t batch);
  /// `pixels` pixels, normalised; the next one lies `step` pixels on (1) or back (-1).
  void write_pixels(const std::uint8_t* from, std::int32_t step, std::int64_t pixels, float* to) const;
  /// Raw zeros, normalised.
  void write_zeros(float* to, std::int64_t pixels) const;
  void write_augmented(const std::uint8_t* from, std::int64_t image, float* to) const;

  ImageSet set;
  BatchOptions options;
  std::vector<AugmentStep> steps;
  std::vector<std::array<float, 256>> tables;  // one a channel
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

BatchLoader::State::State(const ImageSet& image_set, const Normalisation& normalisation,
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
    require(normalisation.mean.size() == static_cast<std::size_t>(channels) &&
                normalisation.std.size() == static_cast<std::size_t>(channels),
            ErrorKind::bug, "BatchLoader: normalisation and images differ in channels");
    for (std::int64_t c = 0; c < channels; ++c) tables.push_back(normalisation_table(normalisation, c));
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
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t image = order.empty() ? first + i : order[static_cast<std::size_t>(first + i)];
    label[i] = labels[image];
    if (steps.empty()) {
      write_pixels(pixels + image * image_size, 1, image_size / channels, to + i * image_size);
    } else {
      write_augmented(pixels + image * image_size, image, to + i * image_size);
    }
  }
  slot.batch.images = slot.images.reshaped(Shape{n, h, w, channels});
  slot.batch.labels = slot.labels.reshaped(Shape{n});
}

void BatchLoader::State::write_pixels(const std::uint8_t* from, std::int32_t step, std::int64_t pixels,
                                      float* to) const {
  for (std::int64_t i = 0; i < pixels; ++i, from += step * channels) {
    for (std::size_t c = 0; c < tables.size(); ++c) *to++ = tables[c][from[c]];
  }
}

void BatchLoader::State::write_zeros(float* to, std::int64_t pixels) const {
  for (std::int64_t i = 0; i < pixels; ++i) {
    for (const auto& table : tables) *to++ = table[0];
  }
}

void BatchLoader::State::write_augmented(const std::uint8_t* from, std::int64_t image, float* to) const {
  std::array<AugmentDraw, max_augment_steps> drawn;
  const RandomStream stream(options.seed, Stream::augment, static_cast<std::uint32_t>(epoch));
  const int count = static_cast<int>(steps.size());
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    drawn[at] = draw_augmentation(steps[at], i, stream, image, h, w);
  }
  const AugmentPlan plan = plan_augmentation(drawn.data(), count, h, w);
  // As pixel_source() says, a row at a time.
  const AugmentPlan::Box& shown = plan.shown;
  for (std::int32_t y = 0; y < h; ++y) {
    float* row = to + static_cast<std::int64_t>(y) * w * channels;
    const bool any = y >= shown.y0 && y < shown.y1 && shown.x0 < shown.x1;
    write_zeros(row, any ? shown.x0 : w);
    if (!any) continue;
    const std::int64_t first =
        static_cast<std::int64_t>(y + plan.offset_y) * w + plan.offset_x + plan.sign_x * shown.x0;
    write_pixels(from + first * channels, plan.sign_x, shown.x1 - shown.x0, row + shown.x0 * channels);
    write_zeros(row + shown.x1 * channels, w - shown.x1);
  }
  for (std::int32_t i = 0; i < plan.hole_count; ++i) {
    const AugmentPlan::Box& hole = plan.holes[i];
    for (std::int32_t y = hole.y0; y < hole.y1 && hole.x0 < hole.x1; ++y) {
      float* row = to + static_cast<std::int64_t>(y) * w * channels;
      std::fill(row + hole.x0 * channels, row + hole.x1 * channels, 0.0F);
    }
  }
}

BatchLoader::BatchLoader(const ImageSet& set, const Normalisation& normalisation, const BatchOptions& options)
    : state_(std::make_unique<State>(set, normalisation, options)) {}

BatchLoader::~BatchLoader() = default;

std::int64_t BatchLoader::batches_per_epoch() const { return state_->batches; }

void BatchLoader::start(std::int64_t epoch, std::int64_t first) {
  require(epoch >= 0 && first >= 0 && first <= state_->batches, ErrorKind::bug,
          "BatchLoader::start: no such epoch or batch");
  state_->prefetcher->start(epoch, first, state_->batches);
}

const Batch* BatchLoader::next() {
  const Range range("batch wait");
  const int slot = state_->prefetcher->next();
  return slot < 0 ? nullptr : &state_->slots[static_cast<std::size_t>(slot)].batch;
}

double BatchLoader::waited_seconds() const { return state_->prefetcher->waited_seconds(); }

}  // namespace scnn
