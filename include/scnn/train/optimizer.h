#pragma once

#include <vector>

#include "scnn/nn/graph.h"
#include "scnn/train/options.h"
#include "scnn/train/schedule.h"

namespace scnn {

/// Updates every learned parameter of a graph: Adam, AdamW or SGD, with parameter groups.
class Optimizer {
 public:
  /// SettingsError where a group's pattern fits no parameter of the network.
  Optimizer(Graph& graph, const OptimizerOptions& options, const ScheduleOptions& schedule, double total_epochs);

  /// One update; `epochs` is the place in the run.  `steps` counts updates, this one included.
  void step(double epochs, std::int64_t steps);
  void epoch_ended(double training_loss);
  /// Learning rate of the optimizer's own settings, outside all groups.
  [[nodiscard]] double lr(double epochs) const;
  /// States of the schedules: the optimizer's own, then one for each group.
  [[nodiscard]] std::vector<Schedule>& schedules() noexcept { return schedules_; }

 private:
  struct Target {
    Parameter* parameter = nullptr;
    const Quantizer* quantizer = nullptr;  ///< of the weights that the parameter belongs to
    bool decays = false;                   ///< weight decay reaches `*.weight` only
    double lr = 0, eps = 0, weight_decay = 0;
    std::size_t schedule = 0;
  };
  [[nodiscard]] double gradient_scale() const;

  Graph& graph_;
  OptimizerOptions options_;
  std::vector<Schedule> schedules_;
  std::vector<Target> targets_;

 public:
  double clip_gradient = 0;  ///< largest global L2 norm of the gradient that is followed; 0: off
};

}  // namespace scnn
