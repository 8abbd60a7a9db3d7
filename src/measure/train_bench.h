#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/trace_timer.h"
#include "scnn/run/run.h"

namespace scnn {

/// Which steps of an experiment are measured, and of which networks.
struct TrainBenchOptions {
  std::int64_t warmup = 10;  ///< steps before those measured, for each network
  std::int64_t steps = 30;   ///< for each network
  std::int64_t epochs = 0;   ///< above 0: as many steps as these have, instead of `steps`
  /// Besides the whole network: smaller ones, with channels drawn at random left out until at most this share of the
  /// multiply-adds is left (compress/removal.h, random_channel_subset).  In (0, 1), falling.
  std::vector<double> keep;
  std::function<std::optional<StopRequest>()> should_stop;  ///< asked after every step; may be empty
};

/// Where the time of training goes.  Times in seconds where not said otherwise.
struct TrainBench {
  std::string name, device, description;  ///< of the experiment, and of where it ran
  std::int64_t batch_size = 0, warmup = 0, steps_per_epoch = 0;

  /// The measured steps of one network.
  struct Network {
    double keep = 1;        ///< the share of the multiply-adds that was asked for
    std::int64_t macs = 0;  ///< multiply-adds of an image, the mean of the steps measured
    std::int64_t steps = 0;
    double replanning = 0;   ///< what leaving the channels out took: itself, and the next step more than a usual one
    double preparation = 0;  ///< of the processor, on batches, beside the steps
    RangeTimes times;        ///< of the measured steps and what falls due after them
  };
  std::vector<Network> networks;  ///< the whole one first
  RangeTimes times;               ///< of all of them, for trace_json
};

/// Trains the first steps of the experiment: to warm up, under the timer, with fewer channels, and so on.  Writes no
/// checkpoints.  Error(usage) where it has fewer steps; a stop on request is an Error of its kind.
[[nodiscard]] TrainBench bench_training(const Experiment& experiment, RunComponents& parts,
                                        const TrainBenchOptions& options);

/// What a network's measured steps come to, in milliseconds.
struct StepTimes {
  double median = 0, low = 0, high = 0, mean = 0;  ///< of a step; low and high: quartiles
  struct Part {
    std::string name;
    double ms = 0;                  ///< a step
    std::optional<double> outside;  ///< of it, outside of kernels; none where the backend does not tell of its kernels
  };
  std::vector<Part> parts;    ///< of a step; their sum is the mean
  std::vector<Part> kernels;  ///< by op, in the steps, the longest first
  std::vector<Part> between;  ///< what fell due between steps (removal, evaluation), in all
};
[[nodiscard]] StepTimes step_times(const TrainBench::Network& network);
/// Share of the work over share of the time: (multiply-adds / the whole network's) / (median step / the whole
/// network's).
[[nodiscard]] double efficiency(const TrainBench& bench, const TrainBench::Network& network);

/// For people.
[[nodiscard]] std::string train_bench_table(const TrainBench& bench);
/// One object with the same numbers.
[[nodiscard]] std::string train_bench_json(const TrainBench& bench);

}  // namespace scnn
