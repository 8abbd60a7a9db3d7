#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scnn/compress/size_status.h"

namespace scnn {

struct Metrics {
  double loss = 0;  ///< mean cross-entropy in nats, without label smoothing
  double top1 = 0;  ///< share of images, 0..1
  std::int64_t images = 0;
};

/// Output channels of `layer` removed at one moment.
struct RemovalRecord {
  std::int64_t epoch = 0, step = 0;
  std::string layer;
  std::int32_t channels = 0;
  double max_diff = 0;  ///< largest change of a logit on the probe batch, relative to the largest logit
  /// Of the steps since the epoch began, before these channels went: see EpochRecord.
  double efficiency = 1;
};

struct StepRecord {
  std::int64_t epoch = 0;  ///< from 0
  std::int64_t step = 0;   ///< steps done, from 1
  double loss = 0;         ///< mean training loss of the batch, size loss not included
  double size_loss = 0;    ///< Q
  double images_per_second = 0;
};

struct EpochRecord {
  std::int64_t epoch = 0;  ///< epochs done, from 1
  std::int64_t step = 0;   ///< steps done
  double train_loss = 0, train_top1 = 0;
  double size_loss = 0;               ///< Q at the end of the epoch
  double gamma = 0;                   ///< at the end of the epoch
  double lr = 0;                      ///< of the optimizer's own group at the end of the epoch
  std::optional<Metrics> evaluation;  ///< on the validation split, or, where there is none, the test split
  std::string evaluation_split;
  SizeStatus size;
  double train_seconds = 0;  ///< of this epoch, as all seconds: training steps only
  double eval_seconds = 0, removal_seconds = 0;
  double wait_seconds = 0;  ///< between steps, for batches
  /// Share of the work over share of the time: (multiply-adds of its steps / those of the first epoch's) / (their time
  /// / the first epoch's).  NaN where a checkpoint of an earlier version does not tell.
  double efficiency = 1;
};

/// What the trainer tells the world.  Every function may be left alone.
class TrainObserver {
 public:
  TrainObserver() = default;
  TrainObserver(const TrainObserver&) = delete;
  TrainObserver& operator=(const TrainObserver&) = delete;
  virtual ~TrainObserver() = default;

  virtual void on_start(std::int64_t /*first_step*/, std::int64_t /*total_steps*/) {}
  virtual void on_step(const StepRecord&) {}
  virtual void on_removal(const RemovalRecord&) {}
  virtual void on_epoch(const EpochRecord&, const std::vector<LayerStatus>&) {}
  virtual void on_checkpoint(const std::string& /*path*/) {}
  /// Asked after every step: true saves a checkpoint and ends training with Error(stopped or interrupted).
  [[nodiscard]] virtual bool should_stop() { return false; }
};

}  // namespace scnn
