#pragma once

#include "scnn/train/options.h"

namespace scnn {

/// Epochs behind those that a schedule is made for: whatever its type, from `factor` to 0 along half a cosine.
struct Restart {
  double epochs = 0;
  double factor = 0.5;
};

/// A learning-rate schedule; only reduce_on_plateau has a state.
class Schedule {
 public:
  Schedule(const ScheduleOptions& options, double total_epochs, const Restart& restart = {})
      : options_(options), total_epochs_(total_epochs), restart_(restart) {}

  /// Factor on the learning rate after `epochs` (a real number) of the run.
  [[nodiscard]] double factor(double epochs) const;
  /// Tells reduce_on_plateau, which is torch's ReduceLROnPlateau (mode min, threshold relative), the training loss of
  /// an epoch; `epochs` are done with it.
  void epoch_ended(std::int64_t epochs, double training_loss);

  struct State {
    double best = 0;                 ///< lowest loss so far
    std::int64_t epochs_since = -1;  ///< epochs without improvement; -1: none seen yet
    std::int64_t reductions = 0;
    std::int64_t cooling = 0;  ///< epochs of cooldown left
  };
  State state;

 private:
  [[nodiscard]] double after_warmup(double epochs) const;

  ScheduleOptions options_;
  double total_epochs_;
  Restart restart_;
};

}  // namespace scnn
