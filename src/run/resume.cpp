#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "config/changes.h"
#include "core/file.h"
#include "record/log.h"
#include "run/model_file.h"
#include "run/training.h"
#include "scnn/core/version.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_changes = 10;

std::string lines_of(const std::vector<std::string>& changes) {
  std::string text;
  for (std::size_t i = 0; i < std::min(changes.size(), most_changes); ++i) text += "  " + changes[i] + "\n";
  if (changes.size() > most_changes) text += fmt::format("  and {} more\n", changes.size() - most_changes);
  return text;
}

/// Refuses to go on with settings that would have trained otherwise; where the work is done, what is saved, what is
/// logged and where the data lies may change.
void check_unchanged(Experiment then, const Experiment& now, const fs::path& source, const fs::path& run,
                     bool foreign) {
  then.device = now.device;
  then.checkpoint = now.checkpoint;
  then.logging = now.logging;
  then.exporting = now.exporting;
  then.data.root = now.data.root;
  const std::string old_text = write_experiment(then);
  if (old_text == now.yaml) return;
  const std::string changes = lines_of(changed_settings(old_text, now.yaml));
  if (foreign) {
    throw Error(ErrorKind::checkpoint,
                fmt::format("{0} belongs to another experiment than {1}:\n{2}take a checkpoint of this run, or start "
                            "a new run with scnn run",
                            source.string(), run.string(), changes));
  }
  throw Error(
      ErrorKind::experiment,
      fmt::format("{0} was trained with other settings than asked for now:\n{1}a resumed run keeps its "
                  "settings, but for device, checkpoint, logging, export and data.root: put them back, or go on in a "
                  "new run: scnn resume {2} --fork DIR",
                  source.string(), changes, run.string()));
}

/// `how.from`, or the newest of the run, or none.
std::optional<Checkpoint> checkpoint_for(const RunFolder& folder, const ResumeOptions& how,
                                         std::vector<std::string>& warnings) {
  if (how.from.empty()) return CheckpointFolder(folder.checkpoints()).newest(warnings);
  if (!fs::exists(how.from)) {
    throw Error(ErrorKind::usage, fmt::format("{} does not exist; the checkpoints of this run are in {}",
                                              how.from.string(), folder.checkpoints().string()));
  }
  return read_checkpoint(how.from);
}

/// A checkpoint says which channels are left, not of how many: a network that began wider or narrower would seem to
/// fit.
void check_same_widths(const Checkpoint& checkpoint, Graph& now) {
  Graph then(experiment_of(checkpoint).model, now.backend());
  const auto& a = then.sets().entries;
  const auto& b = now.sets().entries;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const auto width = [i](const auto& sets) { return i < sets.size() ? sets[i].channels.original() : 0; };
    if (width(a) == width(b)) continue;
    const Graph& graph = i < b.size() ? now : then;
    throw Error(ErrorKind::checkpoint,
                fmt::format("{}: its layer '{}' had {} channels before training, here {}", checkpoint.path.string(),
                            graph.nodes()[static_cast<std::size_t>(graph.sets().entries[i].node)].spec.name, width(a),
                            width(b)));
  }
}

/// The checkpoint's step, where the experiment can go on from it.  Costs a second reading of the data, and leaves no
/// half-made folder where it cannot.
std::int64_t step_of_fitting(const Experiment& experiment, const Checkpoint& checkpoint,
                             const std::vector<std::string>& changes) {
  RunComponents parts = prepare(experiment, false);
  TrainObserver nobody;
  try {
    check_same_widths(checkpoint, *parts.graph);
    Trainer trainer(*parts.graph, parts.data, trainer_options(experiment, ""), nobody);
    trainer.resume(checkpoint);
    if (trainer.clock().step < trainer.total_steps()) return trainer.clock().step;
    throw Error(ErrorKind::usage,
                fmt::format("{} is at step {} of {}: nothing is left to train; raise train.epochs, or "
                            "take an earlier checkpoint with --from",
                            checkpoint.path.string(), trainer.clock().step, trainer.total_steps()));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::checkpoint || changes.empty()) throw;
    throw Error(ErrorKind::experiment,
                fmt::format("the checkpoint does not fit the changed settings:\n{}{}\na fork keeps the network, what "
                            "the optimizer remembers and the steps of an epoch: put those settings back, or start "
                            "anew with scnn run",
                            lines_of(changes), error.what()));
  }
}

/// What the run has recorded so far; recorder and sink cut it to the checkpoint's step.
void copy_history(const RunFolder& from, const RunFolder& to, const Experiment& experiment) {
  const auto copy = [](const fs::path& source, const fs::path& target) {
    if (fs::exists(source)) write_file(target, read_file(source, ErrorKind::checkpoint));
  };
  for (const char* name : {"metrics.jsonl", "bits.jsonl", "epochs.csv"}) copy(from.file(name), to.file(name));
  const auto& sinks = experiment.logging.sinks;
  if (!fs::is_directory(from.file("tb")) || std::ranges::find(sinks, "tensorboard") == sinks.end()) return;
  fs::create_directories(to.file("tb"));
  for (const fs::directory_entry& entry : fs::directory_iterator(from.file("tb"))) {
    copy(entry.path(), to.file("tb") / entry.path().filename());
  }
}

}  // namespace

RunResult resume_run(const fs::path& path, const ResumeOptions& how, const RunOptions& options) {
  RunFolder folder = RunFolder::open(path);
  folder.lock(how.take_over);
  const auto [experiment, damage] = experiment_of_run(folder.path(), how.overrides);
  std::vector<std::string> warnings;
  const std::optional<Checkpoint> checkpoint = checkpoint_for(folder, how, warnings);
  if (checkpoint) {
    check_unchanged(experiment_of(*checkpoint), experiment, checkpoint->path, folder.path(), !how.from.empty());
  } else if (folder.info().origin) {
    throw Error(
        ErrorKind::checkpoint,
        fmt::format("{0} has no usable checkpoint, not even the one it began with; remove it and make it again: "
                    "scnn resume {1} --fork {0}",
                    folder.path().string(), folder.info().origin->run));
  } else if (!how.overrides.empty()) {
    check_unchanged(experiment_of_run(folder.path()).experiment, experiment, folder.file("config.yaml"), folder.path(),
                    false);
  }
  RunComponents parts = prepare(experiment, !checkpoint);
  log_to_file(folder.file("log.txt"));
  folder.begin_again(program_version());
  CheckpointFolder(folder.checkpoints()).tidy();
  if (!damage.empty()) {
    spdlog::warn("{}", damage);
    std::error_code missing;
    fs::rename(folder.file("config.yaml"), folder.file("config.yaml.damaged"), missing);
  }
  if (!damage.empty() || !how.overrides.empty()) write_file(folder.file("config.yaml"), experiment.yaml);
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  if (checkpoint) {
    spdlog::info("going on from {}", checkpoint->path.string());
  } else {
    spdlog::warn("{} has no usable checkpoint: starting at step 0", folder.path().string());
  }
  return train_in(folder, experiment, parts, checkpoint, options);
}

RunResult fork_run(const fs::path& path, const ResumeOptions& how, const RunOptions& options) {
  const RunFolder from = RunFolder::open(path);
  const auto [experiment, damage] = experiment_of_run(from.path(), how.overrides);
  std::vector<std::string> warnings;
  std::optional<Checkpoint> checkpoint = checkpoint_for(from, how, warnings);
  std::error_code none;
  if (checkpoint && !fs::equivalent(fs::absolute(checkpoint->path).parent_path(), from.checkpoints(), none)) {
    throw Error(ErrorKind::usage, fmt::format("{} is no checkpoint of {}: fork the run that it belongs to",
                                              checkpoint->path.string(), from.path().string()));
  }
  if (!checkpoint) {
    throw Error(ErrorKind::usage, fmt::format("{0} has no usable checkpoint to begin with; start anew: scnn run "
                                              "{0}/config.yaml --out {1}",
                                              from.path().string(), options.out.string()));
  }
  Origin origin{fs::absolute(from.path()).lexically_normal().string(), checkpoint->path.filename().string(), 0,
                changed_settings(checkpoint->file.metadata.at("config"), experiment.yaml)};
  if (std::ranges::any_of(origin.changed, [](const auto& change) { return change.starts_with("model.init"); })) {
    throw Error(
        ErrorKind::experiment,
        "model.init is read when a run begins, a fork goes on with the checkpoint's weights: leave it as it was, "
        "or start anew with scnn run");
  }
  origin.step = step_of_fitting(experiment, *checkpoint, origin.changed);
  RunComponents parts = prepare(experiment, false);

  RunInfo info = new_run(options);
  info.origin = origin;
  RunFolder folder = RunFolder::create(experiment, std::move(info), options.out);
  log_to_file(folder.file("log.txt"));
  if (!damage.empty()) spdlog::warn("{}", damage);
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  spdlog::info("run {}, from step {} of {}", folder.path().string(), origin.step, origin.run);
  for (const std::string& change : origin.changed) spdlog::info("{}", change);
  // The checkpoint last: with it the folder goes on by itself.
  copy_history(from, folder, experiment);
  checkpoint = with_config(std::move(*checkpoint), experiment.yaml);
  checkpoint->path =
      CheckpointFolder(folder.checkpoints()).save(*checkpoint, origin.step, experiment.checkpoint.keep_last);
  return train_in(folder, experiment, parts, checkpoint, options);
}

}  // namespace scnn
