#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scnn/backend/backend.h"
#include "scnn/data/dataset.h"

namespace scnn {

/// On the device that its Batches are for.
struct Batch {
  Tensor images;  ///< float32 [n, h, w, channels], normalized
  Tensor labels;  ///< int32 [n]
};

struct BatchOptions {
  std::int64_t batch_size = 128;
  bool shuffle = false;
  bool drop_last = false;  ///< leave out the last, smaller batch
  std::vector<Augmentation> augment;
  std::uint64_t seed = 0;
  std::int64_t prefetch = 2;  ///< batches made ready ahead of their use; changes speed and memory only
};

/// The batches of one split, epoch by epoch.  Order and draws depend on (seed, epoch, image) alone: every kind gives
/// the same batches.  One thread calls it.
class Batches {
 public:
  Batches() = default;
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  virtual ~Batches() = default;

  [[nodiscard]] virtual std::int64_t batches_per_epoch() const = 0;
  /// Begins `epoch` at batch `first` (resuming in the middle of one); drops what is left of an epoch under way.
  virtual void start(std::int64_t epoch, std::int64_t first = 0) = 0;
  /// The next batch of the epoch, valid until the next call of this or start(); null at its end.
  [[nodiscard]] virtual const Batch* next() = 0;
  /// Seconds the caller has waited in next() so far.
  [[nodiscard]] virtual double waited_seconds() const = 0;
  /// Seconds of the processor that preparing batches has taken so far beside the caller.
  [[nodiscard]] virtual double preparation_seconds() const = 0;
};

/// Batches for `backend`: prepared on the host by a thread ahead of their use where that is the device or a step of
/// `augment` needs it, else cut out of the set in the device's memory.  `set` may be empty and may lie on either side
/// (to_device()).  Error(experiment) on augmentations that cannot be.
[[nodiscard]] std::unique_ptr<Batches> make_batches(Backend& backend, const ImageSet& set,
                                                    const Normalization& normalization, const BatchOptions& options);

/// Empty, or why a list of augmentations cannot be.
[[nodiscard]] std::string augment_problem(const std::vector<Augmentation>& augment);

/// The set in the memory of the backend's device: itself where it is there already.
[[nodiscard]] ImageSet to_device(Backend& backend, const ImageSet& set);
/// The set where make_batches() with this list reads it.
[[nodiscard]] ImageSet ready_for(Backend& backend, const ImageSet& set, const std::vector<Augmentation>& augment);

/// Batches prepared on the host.
class BatchLoader : public Batches {
 public:
  /// Shares the memory of `set`.
  BatchLoader(const ImageSet& set, const Normalization& normalization, const BatchOptions& options);
  ~BatchLoader() override;

  [[nodiscard]] std::int64_t batches_per_epoch() const override;
  void start(std::int64_t epoch, std::int64_t first = 0) override;
  /// Rethrows a failure of the thread.
  [[nodiscard]] const Batch* next() override;
  [[nodiscard]] double waited_seconds() const override;
  [[nodiscard]] double preparation_seconds() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scnn
