#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scnn/backend/backend.h"
#include "scnn/core/error.h"
#include "scnn/data/dataset.h"
#include "scnn/nn/graph.h"
#include "scnn/record/console.h"
#include "scnn/record/result.h"
#include "scnn/settings/experiment.h"

namespace scnn {

/// Why a training should stop before its end: stopped or interrupted, and a sentence for people.
struct StopRequest {
  ErrorKind kind = ErrorKind::stopped;
  std::string why;
};

/// What a run is told from outside.
struct RunOptions {
  std::filesystem::path out;       ///< the run folder; empty: runs/<name>/<id>
  std::string command;             ///< for run.json
  std::ostream* screen = nullptr;  ///< for the console sink
  ConsoleOptions console;
  std::function<std::optional<StopRequest>()> should_stop;  ///< asked after every step; may be empty
};

/// Trains, compresses, evaluates model.scnn on the test split and writes the run folder.  A stop on request saves a
/// checkpoint and throws Error of the request's kind naming the command that goes on.
RunResult run_experiment(const Experiment& experiment, const RunOptions& options);

/// How to go on with a run.
struct ResumeOptions {
  std::filesystem::path from;          ///< this checkpoint; empty: the newest valid one
  std::vector<std::string> overrides;  ///< settings to change
  bool take_over = false;              ///< the process that run.json names on another host is dead
};
/// Goes on with the run at `path`, from step 0 where it has no checkpoint.  Error(experiment) where settings other than
/// device, checkpoint, logging and data.root would change.
RunResult resume_run(const std::filesystem::path& path, const ResumeOptions& how, const RunOptions& options);
/// The same in a run folder of its own, `options.out`, that begins with the checkpoint and the history up to it; any
/// setting may change as long as the checkpoint fits.  Only reads the run at `path`.
RunResult fork_run(const std::filesystem::path& path, const ResumeOptions& how, const RunOptions& options);

/// The device that an experiment's device options ask for; "auto" is CUDA where it can be used.
[[nodiscard]] Device device_for(const DeviceOptions& options);
/// Its backend.
[[nodiscard]] std::unique_ptr<Backend> make_backend(const DeviceOptions& options);

/// All that a run needs before it has a folder.
struct RunComponents {
  std::unique_ptr<Backend> backend;
  Dataset data;
  std::unique_ptr<Graph> graph;  ///< initialized by the experiment's seed and file of weights
};
/// Checks the experiment, reads its data and makes its network, with the weights of `model.init` unless a checkpoint
/// will bring all of them.  Error(experiment) with lines, Error(data), Error(device).
[[nodiscard]] RunComponents prepare(const Experiment& experiment, bool initial_weights = true);

}  // namespace scnn
