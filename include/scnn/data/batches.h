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
  bool drop_last = false;               ///< leave out the last, smaller batch
  std::vector<Augmentation> augment;
  std::uint64_t seed = 0;
};

/// Batches of one split, prepared by a thread of its own ahead of their use.  Order and draws depend on
/// (seed, epoch, image) alone.
class BatchLoader {
 public:
  BatchLoader(const ImageSet& set, const Normalisation& normalisation, const BatchOptions& options);
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;
  ~BatchLoader();

  [[nodiscard]] std::int64_t batches_per_epoch() const;
  /// Begins `epoch` at batch `first` (resuming in the middle of one).
  void start(std::int64_t epoch, std::int64_t first = 0);
  /// The next batch of the epoch, host tensors valid until the next call; null at its end.  Rethrows a failure of the
  /// thread.
  [[nodiscard]] const Batch* next();
  /// Seconds the caller has waited in next() so far.
  [[nodiscard]] double waited_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scnn
