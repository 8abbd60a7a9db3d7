#include "measure/train_bench.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/clock.h"
#include "run/training.h"
#include "scnn/compress/removal.h"
#include "scnn/train/trainer.h"

namespace scnn {
namespace {

using Clock = std::chrono::steady_clock;

/// Goes from network to network while training runs.
class BenchObserver : public TrainObserver {
 public:
  BenchObserver(const TrainBenchOptions& options, Graph& graph, std::uint64_t seed, TraceTimer& timer)
      : options_(options), graph_(graph), seed_(seed), timer_(timer) {}

  void attach(Trainer& trainer) {
    trainer_ = &trainer;
    steps_ = options_.epochs > 0 ? options_.epochs * trainer.steps_per_epoch() : options_.steps;
  }
  void on_start(std::int64_t /*first*/, std::int64_t total) override {
    const auto count = static_cast<std::int64_t>(1 + options_.keep.size());
    if (options_.warmup > total || steps_ > total || count * (options_.warmup + steps_) > total) {
      throw Error(ErrorKind::usage,
                  fmt::format("the experiment has {} steps, not {} times {} to warm up and {} to measure: lower "
                              "--warmup, --steps or --epochs, or raise train.epochs",
                              total, count, options_.warmup, steps_));
    }
    whole_ = graph_.macs();
    begin(1);
  }
  bool should_stop() override {
    if (options_.should_stop && !request_) request_ = options_.should_stop();
    if (done_++ == 0) first_step_ = seconds_since(step_began_);
    if (request_) {
      listen_.reset();
      return true;
    }
    if (listen_) macs_ += static_cast<double>(graph_.macs());  // removals go on while it measures
    if (done_ == options_.warmup) listen();
    const bool ends = done_ == options_.warmup + steps_ && next();
    step_began_ = Clock::now();
    return ends;
  }
  /// Where the last step of training was the last to measure nobody asks whether to stop.
  void close() {
    if (!listen_) return;
    macs_ += static_cast<double>(graph_.macs());
    (void)next();
  }
  [[nodiscard]] const std::optional<StopRequest>& request() const { return request_; }
  std::vector<TrainBench::Network> networks;

 private:
  void begin(double keep) {
    networks.emplace_back();
    networks.back().keep = keep;
    macs_ = 0;
    networks.back().steps = steps_;
    done_ = 0;
    if (options_.warmup == 0) listen();
    step_began_ = Clock::now();
  }
  void listen() {
    networks.back().preparation = -trainer_->preparation_seconds();
    first_event_ = events();
    listen_.emplace(timer_);
  }
  [[nodiscard]] std::size_t events() const { return timer_.times().events.size(); }
  /// Ends a network; true where it was the last.
  bool next() {
    listen_.reset();
    TrainBench::Network& network = networks.back();
    network.preparation += trainer_->preparation_seconds();
    network.macs = std::llround(macs_ / static_cast<double>(steps_));
    const RangeTimes& all = timer_.times();
    network.times.places = all.places;
    network.times.events.assign(all.events.begin() + static_cast<std::ptrdiff_t>(first_event_), all.events.end());
    if (networks.size() > 1) {
      network.replanning = restriction_ + std::max(0.0, first_step_ - 1e-3 * step_times(network).median);
    }
    if (networks.size() > options_.keep.size()) return true;
    const double keep = options_.keep[networks.size() - 1];
    const std::vector<ChannelSet> left =
        random_channel_subset(graph_, keep * static_cast<double>(whole_) / static_cast<double>(graph_.macs()), seed_);
    const auto start = Clock::now();
    trainer_->restrict_to(left);
    restriction_ = seconds_since(start);
    begin(keep);
    return false;
  }

  const TrainBenchOptions& options_;
  Graph& graph_;
  std::uint64_t seed_;
  TraceTimer& timer_;
  Trainer* trainer_ = nullptr;
  std::int64_t steps_ = 0, whole_ = 0;
  std::int64_t done_ = 0;  // steps of the network at hand
  Clock::time_point step_began_;
  double first_step_ = 0, restriction_ = 0;
  double macs_ = 0;  // summed over the steps measured
  std::size_t first_event_ = 0;
  std::optional<StopRequest> request_;
  std::optional<TraceListener> listen_;
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
  const CompressionType type = experiment.compression.type;
  if (!options.keep.empty() && (type == CompressionType::diffq || type == CompressionType::lsq)) {
    throw Error(ErrorKind::usage, "--keep takes channels out, which diffq and lsq never do: another compression.type");
  }
  for (const std::string& warning : parts.data.warnings) spdlog::warn("{}", warning);
  TraceTimer timer([&parts] { parts.backend->synchronize(); });
  BenchObserver measured(options, *parts.graph, experiment.seed, timer);
  Trainer trainer(*parts.graph, parts.data, trainer_options(experiment, parts.data, ""), measured);
  measured.attach(trainer);
  (void)trainer.run();
  measured.close();
  if (measured.request()) throw Error(measured.request()->kind, measured.request()->why + "; nothing was measured");
  TrainBench bench;
  bench.name = experiment.name;
  bench.device = to_string(parts.backend->device());
  bench.description = parts.backend->description();
  bench.batch_size = experiment.train.batch_size;
  bench.warmup = options.warmup;
  bench.steps_per_epoch = trainer.steps_per_epoch();
  bench.networks = std::move(measured.networks);
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
