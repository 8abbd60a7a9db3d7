#include <algorithm>

#include "core/trace.h"
#include "data/augment_steps.h"
#include "data/order.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"
#include "scnn/data/batches.h"

namespace scnn {
namespace {

Tensor moved(Backend& backend, const Tensor& tensor) {
  if (!tensor.defined() || tensor.device() == backend.device()) return tensor;
  Tensor there = backend.allocate(tensor.shape(), tensor.dtype());
  backend.copy(tensor, there);
  return there;
}

/// Batches cut out of a set in the device's memory by one kernel each.
class ResidentBatches final : public Batches {
 public:
  ResidentBatches(Backend& backend, const ImageSet& set, const Normalization& normalization,
                  const BatchOptions& options)
      : backend_(backend), set_(to_device(backend, set)), options_(options), steps_(steps_of(options.augment)) {
    const std::vector<float> table = normalization_table(normalization);
    table_ = moved(backend, Tensor::of(Shape{static_cast<std::int64_t>(table.size()) / 256, 256}, table));
    batches_ = options.drop_last ? set.size() / options.batch_size
                                 : (set.size() + options.batch_size - 1) / options.batch_size;
  }

  [[nodiscard]] std::int64_t batches_per_epoch() const override { return batches_; }
  void start(std::int64_t epoch, std::int64_t first) override {
    require(epoch >= 0 && first >= 0 && first <= batches_, ErrorKind::bug, "Batches::start: no such epoch or batch");
    epoch_ = static_cast<std::uint32_t>(epoch);
    next_ = first;
    const auto order = options_.shuffle
                           ? shuffled_order(set_.size(), RandomStream(options_.seed, Stream::shuffle, epoch_))
                           : order_as_stored(set_.size());
    order_.assign(order.begin(), order.end());
  }
  [[nodiscard]] const Batch* next() override {
    const TraceScope range("batch wait");
    if (next_ >= batches_) return nullptr;
    const std::int64_t first = next_++ * options_.batch_size;
    const std::int64_t n = std::min(options_.batch_size, set_.size() - first);
    const Shape& stored = set_.images.shape();
    const Tensor indices = device_indices(
        backend_, std::span(order_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)));
    // The same memory for every batch of this size: recorded steps find it again.
    if (!batch_.labels.defined() || batch_.labels.size() != n) {
      batch_.images = backend_.allocate(Shape{n, stored[1], stored[2], stored[3]});
      batch_.labels = backend_.allocate(Shape{n}, DType::int32);
    }
    backend_.load_images(set_.images, set_.labels, indices, table_, steps_,
                         RandomStream(options_.seed, Stream::augment, epoch_), batch_.images, batch_.labels);
    return &batch_;
  }
  [[nodiscard]] double waited_seconds() const override { return 0; }
  [[nodiscard]] double preparation_seconds() const override { return 0; }  // the device's, and in next()

 private:
  Backend& backend_;
  ImageSet set_;
  BatchOptions options_;
  AugmentSteps steps_;
  Tensor table_;
  std::int64_t batches_ = 0, next_ = 0;
  std::uint32_t epoch_ = 0;
  std::vector<std::int32_t> order_;
  Batch batch_;
};

/// Batches prepared on the host and copied to a device.
class CopiedBatches final : public Batches {
 public:
  CopiedBatches(Backend& backend, const ImageSet& set, const Normalization& normalization, const BatchOptions& options)
      : backend_(backend), loader_(on_host(backend, set), normalization, options) {}

  [[nodiscard]] std::int64_t batches_per_epoch() const override { return loader_.batches_per_epoch(); }
  void start(std::int64_t epoch, std::int64_t first) override { loader_.start(epoch, first); }
  [[nodiscard]] const Batch* next() override {
    const Batch* batch = loader_.next();
    if (batch == nullptr) return nullptr;
    // The same memory for every batch of this size: recorded steps find it again.
    if (!batch_.labels.defined() || batch_.labels.size() != batch->labels.size()) {
      batch_.images = backend_.allocate(batch->images.shape());
      batch_.labels = backend_.allocate(batch->labels.shape(), DType::int32);
    }
    backend_.copy(batch->images, batch_.images);
    backend_.copy(batch->labels, batch_.labels);
    return &batch_;
  }
  [[nodiscard]] double waited_seconds() const override { return loader_.waited_seconds(); }
  [[nodiscard]] double preparation_seconds() const override { return loader_.preparation_seconds(); }

 private:
  static ImageSet on_host(Backend& backend, const ImageSet& set) {
    ImageSet there = set;
    for (Tensor* tensor : {&there.images, &there.labels}) {
      if (!tensor->defined() || tensor->device() == Device{}) continue;
      Tensor host = Tensor::host(tensor->shape(), tensor->dtype());
      backend.copy(*tensor, host);
      *tensor = host;
    }
    return there;
  }

  Backend& backend_;
  BatchLoader loader_;
  Batch batch_;
};

}  // namespace

ImageSet ready_for(Backend& backend, const ImageSet& set, const std::vector<Augmentation>& augment) {
  return needs_host(augment) ? set : to_device(backend, set);
}

ImageSet to_device(Backend& backend, const ImageSet& set) {
  return {moved(backend, set.images), moved(backend, set.labels)};
}

std::unique_ptr<Batches> make_batches(Backend& backend, const ImageSet& set, const Normalization& normalization,
                                      const BatchOptions& options) {
  if (backend.device().type == DeviceType::cpu) return std::make_unique<BatchLoader>(set, normalization, options);
  if (needs_host(options.augment)) return std::make_unique<CopiedBatches>(backend, set, normalization, options);
  return std::make_unique<ResidentBatches>(backend, set, normalization, options);
}

}  // namespace scnn
