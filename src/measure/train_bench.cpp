#include "measure/train_bench.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/clock.h"
#include "run/training.h"
#include "scnn/compress/method.h"
#include "scnn/compress/removal.h"
#include "scnn/train/trainer.h"

namespace scnn {
namespace {

using Clock = std::chrono::steady_clock;

/// Passes the question whether to stop on, and keeps the answer.
class StopAsker final : public TrainObserver {
 public:
  explicit StopAsker(const TrainBenchOptions& options) : options_(options) {}
  bool should_stop() override {
    if (options_.should_stop && !request_) request_ = options_.should_stop();
    return request_.has_value();
  }
  [[nodiscard]] const std::optional<StopRequest>& request() const { return request_; }

 private:
  const TrainBenchOptions& options_;
  std::optional<StopRequest> request_;
};

/// Measures training with the network as it stands, and then with fewer and fewer of its channels.
class Measurement {
 public:
  Measurement(const TrainBenchOptions& options, Graph& graph, std::uint64_t seed, TraceTimer& timer, Trainer& trainer,
              const StopAsker& asker)
      : options_(options), graph_(graph), seed_(seed), timer_(timer), trainer_(trainer), asker_(asker) {
    steps_ = options.epochs > 0 ? options.epochs * trainer.steps_per_epoch() : options.steps;
    const std::int64_t total = trainer.total_steps();
    const auto count = static_cast<std::int64_t>(1 + options.keep.size());
    if (options.warmup > total || steps_ > total || count * (options.warmup + steps_) > total) {
      throw Error(ErrorKind::usage,
                  fmt::format("the experiment has {} steps, not {} times {} to warm up and {} to measure: lower "
                              "--warmup, --steps or --epochs, or raise train.epochs",
                              total, count, options.warmup, steps_));
    }
  }

  [[nodiscard]] std::vector<TrainBench::Network> all() {
    const auto whole = static_cast<double>(graph_.macs());
    std::vector<TrainBench::Network> networks = {measured(1, 0)};
    for (const double keep : options_.keep) {
      const std::vector<ChannelSet> left =
          random_channel_subset(graph_, keep * whole / static_cast<double>(graph_.macs()), seed_);
      const auto start = Clock::now();
      trainer_.restrict_to(left);
      networks.push_back(measured(keep, seconds_since(start)));
    }
    return networks;
  }

 private:
  /// The network at hand; `restriction`: seconds that making it from the one before took, 0 for the first.
  [[nodiscard]] TrainBench::Network measured(double keep, double restriction) {
    TrainBench::Network network;
    network.keep = keep;
    network.steps = steps_;
    const auto start = Clock::now();
    std::optional<double> first_step;
    const auto step = [&] {
      train_step();
      if (!first_step) first_step = seconds_since(start);
    };
    for (std::int64_t i = 0; i < options_.warmup; ++i) step();

    network.preparation = -trainer_.preparation_seconds();
    const std::size_t first_event = timer_.times().events.size();
    double macs = 0;  // removals go on while it measures
    {
      const TraceListener listen(timer_);
      for (std::int64_t i = 0; i < steps_; ++i) {
        step();
        macs += static_cast<double>(graph_.macs());
      }
    }
    network.preparation += trainer_.preparation_seconds();
    network.macs = std::llround(macs / static_cast<double>(steps_));
    const RangeTimes& times = timer_.times();
    network.times.places = times.places;
    network.times.events.assign(times.events.begin() + static_cast<std::ptrdiff_t>(first_event), times.events.end());
    if (restriction > 0) {
      network.replanning = restriction + std::max(0.0, first_step.value_or(0) - 1e-3 * step_times(network).median);
    }
    return network;
  }
  void train_step() {
    if (trainer_.run_until(trainer_.clock().step + 1)) return;
    throw Error(asker_.request()->kind, asker_.request()->why + "; nothing was measured");
  }

  const TrainBenchOptions& options_;
  Graph& graph_;
  std::uint64_t seed_;
  TraceTimer& timer_;
  Trainer& trainer_;
  const StopAsker& asker_;
  std::int64_t steps_ = 0;
};

bool is_kernel(const std::string& name) { return name.starts_with("kernel/"); }

/// The value below which `share` of the sorted numbers lie, between neighbours where it falls between them.
double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

TrainBench bench_training(const Experiment& experiment, RunComponents& parts, const TrainBenchOptions& options) {
  if (!options.keep.empty() && !make_method(experiment.compression)->allows_removal()) {
    throw Error(ErrorKind::usage,
                fmt::format("--keep takes channels out, which {} never does: another compression.type",
                            experiment.compression.type));
  }
  for (const std::string& warning : parts.data.warnings) spdlog::warn("{}", warning);
  TraceTimer timer([&parts] { parts.backend->synchronize(); });
  StopAsker asker(options);
  Trainer trainer(*parts.graph, parts.data, trainer_options(experiment, ""), asker);
  std::vector<TrainBench::Network> networks =
      Measurement(options, *parts.graph, experiment.seed, timer, trainer, asker).all();
  TrainBench bench;
  bench.name = experiment.name;
  bench.device = to_string(parts.backend->device());
  bench.description = parts.backend->description();
  bench.batch_size = experiment.train.batch_size;
  bench.warmup = options.warmup;
  bench.steps_per_epoch = trainer.steps_per_epoch();
  bench.networks = std::move(networks);
  bench.times = timer.times();
  return bench;
}

StepTimes step_times(const TrainBench::Network& network) {
  const std::vector<RangeTimes::Place>& places = network.times.places;
  const std::vector<RangeTimes::Total> totals = network.times.totals();
  const auto ms = [](std::int64_t nanoseconds) { return 1e-6 * static_cast<double>(nanoseconds); };
  const auto per_step = [&](std::int64_t time) { return ms(time) / static_cast<double>(network.steps); };
  const auto named = [&](int place, const char* name) {
    return place >= 0 && places[static_cast<std::size_t>(place)].name == name;
  };

  StepTimes result;
  std::vector<double> steps;
  for (const RangeTimes::Event& event : network.times.events) {
    if (named(event.place, "step")) steps.push_back(ms(event.end - event.begin));
  }
  std::ranges::sort(steps);
  result.median = quantile(steps, 0.5);
  result.low = quantile(steps, 0.25);
  result.high = quantile(steps, 0.75);
  result.mean = std::accumulate(steps.begin(), steps.end(), 0.0) / static_cast<double>(network.steps);

  // Of each part of a step, the time in kernels; a kernel that another one starts is part of that.
  std::vector<std::int64_t> inside(places.size(), 0);
  std::int64_t all_inside = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!is_kernel(places[i].name) || totals[i].calls == 0) continue;
    int part = static_cast<int>(i);
    bool outermost = true;
    while (part >= 0 && !named(places[static_cast<std::size_t>(part)].parent, "step")) {
      part = places[static_cast<std::size_t>(part)].parent;
      outermost = outermost && !(part >= 0 && is_kernel(places[static_cast<std::size_t>(part)].name));
    }
    if (part < 0 || !outermost) continue;
    inside[static_cast<std::size_t>(part)] += totals[i].time;
    all_inside += totals[i].time;
    const std::string name = places[i].name.substr(sizeof("kernel/") - 1);
    auto row = std::ranges::find(result.kernels, name, &StepTimes::Part::name);
    if (row == result.kernels.end()) row = result.kernels.insert(row, {name, 0, 0.0});
    row->ms += per_step(totals[i].time);
  }
  std::ranges::sort(result.kernels, std::ranges::greater(), &StepTimes::Part::ms);

  const auto outside = [&](std::int64_t time) { return all_inside > 0 ? std::optional(per_step(time)) : std::nullopt; };
  std::int64_t rest = 0;
  std::int64_t rest_inside = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (totals[i].calls == 0) continue;
    if (places[i].name == "step") rest += totals[i].self;
    if (named(places[i].parent, "step")) {
      if (is_kernel(places[i].name)) {
        rest += totals[i].time;
        rest_inside += inside[i];
      } else {
        const bool waits = places[i].name == "batch wait";
        result.parts.push_back({waits ? "waiting for data" : places[i].name, per_step(totals[i].time),
                                outside(totals[i].time - inside[i])});
      }
    }
    if (named(places[i].parent, "epoch") && places[i].name != "step" && !is_kernel(places[i].name)) {
      result.between.push_back({places[i].name, ms(totals[i].time), std::nullopt});
    }
  }
  result.parts.push_back({"the rest", per_step(rest), outside(rest - rest_inside)});
  return result;
}

double efficiency(const TrainBench& bench, const TrainBench::Network& network) {
  const TrainBench::Network& whole = bench.networks.front();
  const double work = static_cast<double>(network.macs) / static_cast<double>(whole.macs);
  return work / (step_times(network).median / step_times(whole).median);
}

}  // namespace scnn
