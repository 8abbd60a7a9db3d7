#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "scnn/data/dataset.h"

namespace scnn {

struct Batch {
  Tensor images;  ///< float32 [n, h, w, channels], normalised
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

/// Batches of one split, prepared by a thread of its own ahead of their use.  Order and draws depend on
/// (seed, epoch, image) alone.  One thread calls it.
class BatchLoader {
 public:
  /// Shares the memory of `set`, which may be empty.  Error(experiment) on augmentations that cannot be.
  BatchLoader(const ImageSet& set, const Normalisation& normalisation, const BatchOptions& options);
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;
  ~BatchLoader();

  [[nodiscard]] std::int64_t batches_per_epoch() const;
  /// Begins `epoch` at batch `first` (resuming in the middle of one); drops what is left of an epoch under way.
  void start(std::int64_t epoch, std::int64_t first = 0);
  /// The next batch of the epoch, host tensors valid until the next call of this or start(); null at its end.  Rethrows
  /// a failure of the thread.
  [[nodiscard]] const Batch* next();
  /// Seconds the caller has waited in next() so far.
  [[nodiscard]] double waited_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scnn
