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
  Optimizer(Graph& graph, const OptimizerOptions& options, const ScheduleOptions& schedule, double total_epochs,
            const Restart& restart = {});

  /// Whether step() takes quantized layers' gradients unfinished (Pass::finish_gradients) and their size loss with
  /// them: with Adam, while nothing needs to know all gradients before the first step, and quantizers that can.
  [[nodiscard]] bool finishes_gradients() const;
  /// Puts the numbers of the coming update where update() reads them: learning rates, corrections, and `gamma`, the
  /// weight of the size loss for gradients that come unfinished.  `epochs` is the place in the run; `steps` counts
  /// updates, this one included.
  void prepare(double epochs, std::int64_t steps, double gamma = 0);
  /// One update.  May be recorded (Backend::record) where finishes_gradients().
  void update();
  void step(double epochs, std::int64_t steps, double gamma = 0) {
    prepare(epochs, steps, gamma);
    update();
  }
  void epoch_ended(std::int64_t epochs, double training_loss);
  /// Learning rate of the optimizer's own settings, outside all groups.
  [[nodiscard]] double lr(double epochs) const;
  /// How far one update moves a learned parameter's elements if `gradients` have long been theirs, before schedules,
  /// clipping and weight decay: lr g / (|g| + eps) with Adam, lr g / (1 - momentum) with SGD.  Error(bug) for a
  /// parameter that it does not update.
  [[nodiscard]] std::vector<double> steady_steps(const Parameter& parameter, std::vector<double> gradients) const;
  /// States of the schedules: the optimizer's own, then one for each group.
  [[nodiscard]] std::vector<Schedule>& schedules() noexcept { return schedules_; }

 private:
  struct Target {
    Parameter* parameter = nullptr;
    const Quantizer* quantizer = nullptr;           ///< of the weights that the parameter is
    bool decays = false;                            ///< weight decay reaches weights only
    AdamParameter QuantizedLayer::*part = nullptr;  ///< what it is to its layer, where that is quantized
    std::size_t layer = 0;                          ///< of quantized_
    double lr = 0, eps = 0, weight_decay = 0;
    std::size_t schedule = 0;
  };
  [[nodiscard]] double gradient_scale() const;
  [[nodiscard]] AdamStep adam_step(std::size_t target) const;

  Graph& graph_;
  OptimizerOptions options_;
  std::vector<Schedule> schedules_;
  std::vector<Target> targets_;
  std::vector<Weights*> quantized_;
  std::vector<float> lrs_;  ///< of targets_, for the coming update
  Tensor numbers_;          ///< the same on the device, behind both corrections and gamma

 public:
  double clip_gradient = 0;  ///< largest global L2 norm of the gradient that is followed; 0: off
};

}  // namespace scnn
