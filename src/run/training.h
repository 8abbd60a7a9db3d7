#pragma once

#include <filesystem>
#include <optional>

#include "record/run_folder.h"
#include "scnn/run/run.h"
#include "scnn/train/checkpoint.h"
#include "scnn/train/trainer.h"

/// What new, resumed and forked runs share.
namespace scnn {

/// Of a run that begins now.
[[nodiscard]] RunInfo new_run(const RunOptions& options);
/// What a trainer needs of an experiment.
[[nodiscard]] TrainerOptions trainer_options(const Experiment& experiment, const std::filesystem::path& checkpoints);
/// Trains in the folder, from a checkpoint or from the start, and writes the result; run.json tells how it ended,
/// whatever happens.
RunResult train_in(RunFolder& folder, const Experiment& experiment, RunComponents& parts,
                   const std::optional<Checkpoint>& from, const RunOptions& options);

}  // namespace scnn
