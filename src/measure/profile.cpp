#include "measure/profile.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

#include "backend/nsight.h"
#include "run/training.h"
#include "scnn/train/trainer.h"

namespace scnn {
namespace {

using Clock = std::chrono::steady_clock;

/// Lets a listener hear some steps, and ends the training behind them.
class MeasuredSteps : public TrainObserver {
 public:
  using MakeSink = std::function<std::shared_ptr<TraceSink>()>;

  MeasuredSteps(const ProfileOptions& options, MakeSink make_sink)
      : options_(options), make_sink_(std::move(make_sink)) {}

  void on_start(std::int64_t /*first*/, std::int64_t total) override {
    if (options_.warmup > total || options_.steps > total - options_.warmup) {
      throw Error(ErrorKind::usage,
                  fmt::format("the experiment has {} steps, not {} to warm up and {} to measure: lower --warmup or "
                              "--steps, or raise train.epochs",
                              total, options_.warmup, options_.steps));
    }
    step_began_ = Clock::now();
    if (options_.warmup == 0) open();
  }
  void on_step(const StepRecord& /*record*/) override {
    ++done_;
    if (done_ > options_.warmup / 2 && done_ <= options_.warmup) untimed_ += Clock::now() - step_began_;
  }
  bool should_stop() override {
    if (options_.should_stop && !request_) request_ = options_.should_stop();
    const bool ends = request_ || done_ == options_.warmup + options_.steps;
    if (ends) close();
    if (!ends && done_ == options_.warmup) open();
    step_began_ = Clock::now();
    return ends;
  }
  void close() {
    listen_.reset();
    sink_.reset();
  }
  [[nodiscard]] const std::optional<StopRequest>& request() const { return request_; }
  [[nodiscard]] std::optional<double> untimed_ms_per_step() const {
    if (options_.warmup < 2) return std::nullopt;  // the first step is no measure
    const std::int64_t steps = options_.warmup - options_.warmup / 2;
    return std::chrono::duration<double, std::milli>(untimed_).count() / static_cast<double>(steps);
  }

 private:
  void open() {
    sink_ = make_sink_();
    listen_.emplace(*sink_);
  }

  const ProfileOptions& options_;
  MakeSink make_sink_;
  std::int64_t done_ = 0;  // steps
  Clock::time_point step_began_;
  Clock::duration untimed_{};  // of the second half of the warm-up
  std::optional<StopRequest> request_;
  std::shared_ptr<TraceSink> sink_;
  std::optional<TraceListener> listen_;
};

void train(const Experiment& experiment, RunComponents& parts, const ProfileOptions& options, MeasuredSteps& measured) {
  for (const std::string& warning : parts.data.warnings) spdlog::warn("{}", warning);
  const std::filesystem::path checkpoints = options.folder.empty() ? "" : options.folder / "checkpoints";
  struct Cleaner {
    const std::filesystem::path& folder;
    ~Cleaner() {
      std::error_code ignored;
      if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
    }
  } cleaner{checkpoints};
  if (!checkpoints.empty()) std::filesystem::create_directory(checkpoints);
  Trainer trainer(*parts.graph, parts.data, trainer_options(experiment, checkpoints), measured);
  (void)trainer.run();
  measured.close();  // the experiment's last step is behind no question whether to stop
  if (measured.request()) throw Error(measured.request()->kind, measured.request()->why + "; there is no profile");
}

}  // namespace

Profile profile_experiment(const Experiment& experiment, RunComponents& parts, const ProfileOptions& options) {
  const auto timer = std::make_shared<TraceTimer>([&parts] { parts.backend->synchronize(); });
  MeasuredSteps measured(options, [&timer] { return timer; });
  train(experiment, parts, options, measured);
  Profile profile;
  profile.name = experiment.name;
  profile.device = to_string(parts.backend->device());
  profile.description = parts.backend->description();
  profile.warmup = options.warmup;
  profile.steps = options.steps;
  profile.batch_size = experiment.train.batch_size;
  profile.untimed_ms_per_step = measured.untimed_ms_per_step();
  profile.layers = layer_rows(*parts.graph);
  profile.times = timer->times();
  return profile;
}

void train_under_nsight(const Experiment& experiment, RunComponents& parts, const ProfileOptions& options) {
  if (parts.backend->device().type != DeviceType::cuda) {
    throw Error(
        ErrorKind::device,
        "NVIDIA's tools measure GPUs and this experiment runs on the CPU: use --tool builtin, or --device cuda");
  }
  MeasuredSteps measured(options, [] { return std::shared_ptr<TraceSink>(cuda::nsight_capture()); });
  train(experiment, parts, options, measured);
}

}  // namespace scnn
