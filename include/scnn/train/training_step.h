#pragma once

#include <cstdint>
#include <memory>

#include "scnn/compress/size_loss.h"
#include "scnn/data/batches.h"
#include "scnn/nn/graph.h"
#include "scnn/train/optimizer.h"

namespace scnn {

struct StepResult {
  double loss_sum = 0;       ///< over the batch's images; where it is not finite the rest is 0
  double size_loss = 0;      ///< Q before the update
  std::int64_t correct = 0;  ///< images classified right
};

/// Forward, losses, backward and update, with the memory they share.  Where the backend records, later steps replay a
/// recording of one.
class TrainingStep {
 public:
  /// All three outlive it.
  TrainingStep(Graph& graph, SizeLoss& size_loss, Optimizer& optimizer, double label_smoothing,
               std::int64_t steps_per_epoch);

  /// One step.  `pass` brings mode, seed and `step`, the number of steps done; `gamma` weighs the size loss.
  StepResult run(const Batch& batch, const Pass& pass, double gamma);
  /// Memory, shapes or an update's work changed: the recording goes, and the next step is computed.
  void invalidate();
  /// How often a step was recorded (Backend::record); 0 where steps are computed one by one.
  [[nodiscard]] std::int64_t recordings() const noexcept { return recordings_; }

 private:
  void make_room(std::int64_t images);
  /// `checked`: stops where the loss is not finite, before anything learns from it.
  void compute(const Batch& batch, const Pass& pass, double gamma, bool checked);
  /// The same as a recording, made anew where there is none.  False where this step is to be computed instead.
  bool replay(const Batch& batch, const Pass& pass, double gamma);
  [[nodiscard]] double loss_sum();

  Graph& graph_;
  SizeLoss& size_loss_;
  Optimizer& optimizer_;
  float label_smoothing_;
  std::int64_t steps_per_epoch_;

  // It stays, so that a recorded step finds it again.
  Tensor loss_, predicted_, dlogits_, step_number_;
  std::unique_ptr<Recording> recording_;
  std::int64_t recorded_plan_ = -1;  ///< Graph::plans() of the recording; -1: none
  std::int64_t recordings_ = 0;
};

}  // namespace scnn
