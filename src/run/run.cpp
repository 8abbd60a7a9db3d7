#include "scnn/run/run.h"

#include <fmt/format.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <ostream>

#include "core/clock.h"
#include "core/difference.h"
#include "core/file.h"
#include "record/log.h"
#include "record/recorder.h"
#include "record/run_folder.h"
#include "record/tensorboard.h"
#include "report/report.h"
#include "run/initial_weights.h"
#include "run/training.h"
#include "scnn/core/version.h"
#include "scnn/packed/packed.h"
#include "scnn/train/checkpoint.h"
#include "scnn/train/evaluate.h"
#include "scnn/train/trainer.h"
#include "settings/check.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

/// Keeps log.txt, and asks the outside world whether to stop.
class LogObserver : public TrainObserver {
 public:
  explicit LogObserver(const RunOptions& options) : options_(options) {}

  void on_start(std::int64_t first, std::int64_t total) override {
    spdlog::info("training: step {} of {}", first, total);
  }
  void on_removal(const RemovalRecord& r) override {
    spdlog::debug(
        "removed {} channels of {} at step {}: largest relative change of a logit {:.1e}, efficiency before it {:.2f}",
        r.channels, r.layer, r.step, r.max_diff, r.efficiency);
  }
  void on_epoch(const EpochRecord& r, const std::vector<LayerStatus>& /*layers*/) override {
    spdlog::debug(
        "epoch {}: training loss {:.4f}, top-1 {:.4f}, {} {:.4f}, {} weights in {} channels, {:.0f} learned bits, "
        "{:.2f} s",
        r.epoch, r.train_loss, r.train_top1, r.evaluation_split, r.evaluation ? r.evaluation->top1 : 0.0,
        r.size.live_weights, r.size.live_channels, r.size.learned_bits, r.train_seconds);
  }
  void on_checkpoint(const std::string& path) override { spdlog::debug("saved {}", path); }
  bool should_stop() override {
    if (options_.should_stop && !request_) request_ = options_.should_stop();
    return request_.has_value();
  }
  [[nodiscard]] const std::optional<StopRequest>& request() const { return request_; }

 private:
  const RunOptions& options_;
  std::optional<StopRequest> request_;
};

/// Work before training that takes long: a line on the terminal that goes when it is done, elsewhere lines of the log.
class DataProgress {
 public:
  DataProgress() = default;
  DataProgress(const DataProgress&) = delete;
  DataProgress& operator=(const DataProgress&) = delete;
  ~DataProgress() {
    if (terminal_ && told_) std::cerr << "\r\x1b[K" << std::flush;
  }
  void tell(const std::string& line) {
    if (!terminal_) return spdlog::info("{}", line);
    told_ = true;
    std::cerr << '\r' << line << "\x1b[K" << std::flush;
  }

 private:
  // Not where only errors are wanted (--quiet), and not where -v asks for lines that stay.
  bool terminal_ = ::isatty(STDERR_FILENO) != 0 && !spdlog::default_logger()->sinks().empty() &&
                   spdlog::default_logger()->sinks().front()->level() == spdlog::level::warn;
  bool told_ = false;
};

void write_report(const RunFolder& folder) {
  write_file(folder.file("report.html"), run_page(load_report_run(folder.path())));
}

RunResult finish(RunFolder& folder, const Experiment& experiment, RunComponents& parts, const Trainer& trainer) {
  const auto start = std::chrono::steady_clock::now();
  const PackedModel model = pack(*parts.graph, experiment.name, parts.data, experiment.exporting);
  const std::vector<std::byte> file = encode(model);
  write_file(folder.file("model.scnn"), file);
  // What the file holds is what is judged, not what was written into it.
  const std::unique_ptr<Graph> packed = unpack(decode(file, folder.file("model.scnn").string()), *parts.backend);

  RunResult result;
  result.run = folder.path().string();
  result.device = to_string(parts.backend->device());
  result.seed = experiment.seed;
  result.test = evaluate(*packed, parts.data.test, parts.data.normalization);
  result.size = trainer.meter().total(*parts.graph, trainer.meter().layers(*parts.graph));
  if (model.quantized()) result.entropy_bits = coded_bits(model);
  result.file_bytes = static_cast<std::int64_t>(file.size());
  result.export_diff = relative_difference(probe_logits(*parts.graph), probe_logits(*packed));
  result.epoch_seconds = trainer.state().epoch_seconds;
  for (const double seconds : result.epoch_seconds) result.train_seconds += seconds;
  result.eval_seconds = trainer.state().eval_seconds + seconds_since(start);
  result.removals = trainer.state().removals;
  result.recordings = trainer.recordings();
  result.peak_device_bytes = parts.backend->peak_bytes();
  write_file(folder.file("result.json"), result_json(result));
  if (const std::int64_t target = experiment.compression.target_bytes; target > 0) {
    if (result.file_bytes > target) {
      spdlog::warn(
          "model.scnn has {} bytes, more than compression.target_bytes {}: train longer, start from a larger gamma, or "
          "use a smaller network",
          result.file_bytes, target);
    } else if (result.file_bytes < target - target / 50) {
      spdlog::warn(
          "model.scnn has {} bytes, more than 2% below compression.target_bytes {}: train longer, or use a larger "
          "network",
          result.file_bytes, target);
    }
  }
  folder.finish(RunState::done, 0);
  try {
    write_report(folder);
  } catch (const Error& error) {
    // The run is complete without its picture.
    spdlog::warn("{}; then: scnn report {}", error.what(), folder.path().string());
  }
  return result;
}

RunResult train(RunFolder& folder, const Experiment& experiment, RunComponents& parts,
                const std::optional<Checkpoint>& from, const RunOptions& options) {
  folder.set_device(parts.backend->description());
  for (const std::string& warning : parts.data.warnings) spdlog::warn("{}", warning);
  RunRecorder recorder(folder, experiment.logging);
  LogObserver watcher(options);
  std::optional<Console> console;
  std::optional<TensorBoardSink> tensorboard;
  Observers observers;
  observers.add(recorder);
  observers.add(watcher);
  const auto has_sink = [&sinks = experiment.logging.sinks](const char* name) {
    return std::find(sinks.begin(), sinks.end(), name) != sinks.end();
  };
  if (has_sink("tensorboard")) observers.add(tensorboard.emplace(folder.file("tb")));
  if (options.screen != nullptr && has_sink("console")) {
    ConsoleOptions look = options.console;
    look.epochs = experiment.train.epochs;
    console.emplace(*options.screen, look);
    observers.add(*console);
  }
  Trainer trainer(*parts.graph, parts.data, trainer_options(experiment, folder.checkpoints()), observers);
  folder.set_total_steps(trainer.total_steps());
  if (from) trainer.resume(*from);
  if (const double fall = trainer.unopposed_fall(); fall > 0 && experiment.compression.target_bytes == 0) {
    spdlog::info(
        "size loss: at full gamma and learning rate, and if the task did not oppose it, it would take {:.2g} bits a "
        "weight in a step, {:.2g} in an epoch",
        fall, fall * static_cast<double>(trainer.steps_per_epoch()));
  }
  if (!trainer.run()) {
    const StopRequest request = watcher.request().value_or(StopRequest{});
    throw Error(request.kind, fmt::format("{}; go on with: scnn resume {}", request.why, folder.path().string()));
  }
  if (console) console->clear();
  return finish(folder, experiment, parts, trainer);
}

}  // namespace

RunResult train_in(RunFolder& folder, const Experiment& experiment, RunComponents& parts,
                   const std::optional<Checkpoint>& from, const RunOptions& options) {
  const auto ended = [&](RunState state, int code, const char* message) {
    try {
      folder.finish(state, code, message);
      write_report(folder);
    } catch (const std::exception& error) {
      spdlog::error("{}", error.what());  // the first failure is the one to pass on
    }
  };
  try {
    return train(folder, experiment, parts, from, options);
  } catch (const Error& error) {
    const bool stopped = error.kind() == ErrorKind::stopped || error.kind() == ErrorKind::interrupted;
    ended(stopped ? RunState::stopped : RunState::failed, error.exit_code(), error.what());
    throw;
  } catch (const std::bad_alloc&) {
    ended(RunState::failed, static_cast<int>(ErrorKind::memory), "out of memory");
    throw;
  } catch (const std::exception& error) {
    ended(RunState::failed, static_cast<int>(ErrorKind::bug), error.what());
    throw;
  }
}

Device device_for(const DeviceOptions& options) {
  const bool cuda = options.type == "cuda" || (options.type == "auto" && cuda_unusable_because().empty());
  return {cuda ? DeviceType::cuda : DeviceType::cpu};
}

std::unique_ptr<Backend> make_backend(const DeviceOptions& options) {
  return backend_for(device_for(options), BackendOptions{options.threads, options.precision, options.convolution,
                                                         options.weight_quantization, options.graphs});
}

RunComponents prepare(const Experiment& experiment, bool initial_weights) {
  check_experiment(experiment);
  RunComponents parts;
  parts.backend = make_backend(experiment.device);
  parts.graph = std::make_unique<Graph>(experiment.model, *parts.backend);
  with_locations(experiment, [&] {
    if (initial_weights) check_initial_weights(experiment);  // before images are decoded
    DataProgress progress;
    parts.data = load_dataset(experiment.data, experiment.seed, [&](const std::string& line) { progress.tell(line); });
    check_fits(*parts.graph, parts.data);
    check_batch_size(experiment.train.batch_size, parts.data.train.size());
  });
  parts.graph->initialize(experiment.seed);
  if (initial_weights) load_initial_weights(experiment.init, *parts.graph);
  return parts;
}

TrainerOptions trainer_options(const Experiment& experiment, const fs::path& checkpoints) {
  return {experiment.seed, experiment.train, experiment.compression, experiment.data.augment, experiment.checkpoint,
          checkpoints,     experiment.yaml,  experiment.name,        experiment.exporting};
}

RunInfo new_run(const RunOptions& options) {
  RunInfo info;
  info.command = options.command;
  info.version = program_version();
  info.libraries = library_versions();
  return info;
}

RunResult run_experiment(const Experiment& experiment, const RunOptions& options) {
  RunComponents parts = prepare(experiment);
  RunFolder folder = RunFolder::create(experiment, new_run(options), options.out);
  log_to_file(folder.file("log.txt"));
  spdlog::info("run {}", folder.path().string());
  return train_in(folder, experiment, parts, std::nullopt, options);
}

}  // namespace scnn
