#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scnn/core/conflicts.h"
#include "scnn/core/period.h"

namespace scnn {

enum class ScheduleType { constant, step, cosine, piecewise, anneal_end, reduce_on_plateau };

/// A factor on the learning rate over the run.
struct ScheduleOptions {
  ScheduleType type = ScheduleType::constant;
  double warmup_epochs = 0;             ///< all types: linear from 0 first
  double factor = 0.1;                  ///< step, reduce_on_plateau: multiply by this
  double every_epochs = 30;             ///< step
  double final_factor = 0;              ///< cosine, anneal_end: where it ends
  double fraction = 0.15;               ///< anneal_end: constant, then linear to final_factor over this last share
  std::vector<double> epochs, factors;  ///< piecewise: knots, joined linearly
  std::int64_t patience = 10;           ///< reduce_on_plateau: epochs without improvement of the training loss
  double threshold = 1e-4;              ///< reduce_on_plateau: relative improvement that counts
  std::int64_t after_epochs = 0;        ///< reduce_on_plateau: epochs that are not watched, first
  std::int64_t cooldown = 0;            ///< reduce_on_plateau: epochs after a reduction in which none is counted
  double min_factor = 0;                ///< reduce_on_plateau: share of the learning rate that always stays
};

/// Overrides for the parameters whose names match; later groups win.
struct ParameterGroup {
  std::vector<std::string> match;
  std::optional<double> lr, eps, weight_decay;
  std::optional<ScheduleOptions> schedule;
};

enum class OptimizerType { adam, adamw, sgd };

struct OptimizerOptions {
  OptimizerType type = OptimizerType::adam;
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  ///< adam, adamw
  double momentum = 0.9;                          ///< sgd
  bool nesterov = false;                          ///< sgd
  double weight_decay = 0;                        ///< on `*.weight` only
  std::vector<ParameterGroup> groups;
};

struct TrainOptions {
  std::int64_t epochs = 10;
  std::int64_t batch_size = 128;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  double label_smoothing = 0;
  double clip_gradient = 0;  ///< largest global L2 norm of the gradient; 0: off
  std::int64_t statistics_batches =
      16;  ///< batches that re-estimate batch-norm statistics before an evaluation; 0: running ones
  std::int64_t evaluate_every = 1;  ///< epochs; the last epoch is always evaluated
};

struct CheckpointOptions {
  Period every{1.0, 0};
  std::int64_t keep_last = 2;
};

/// Reports settings of training that do not go together.
void check(const TrainOptions& train, Conflicts& conflicts);

}  // namespace scnn
