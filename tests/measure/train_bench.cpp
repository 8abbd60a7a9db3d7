#include "measure/train_bench.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "experiment_files.h"

namespace scnn::test {
namespace {

using Json = nlohmann::json;

const std::string measured =
    "name: small\n"
    "seed: 1\n"
    "device: {type: cpu, threads: 1}\n"
    "data: {type: synthetic, train: 256, test: 64, height: 12, width: 12, classes: 3, validation: {fraction: 0.125}}\n"
    "model:\n"
    "  input: [1, 12, 12]\n"
    "  layers:\n"
    "    - {name: conv1, type: conv2d, out: 16, kernel: 3, padding: same, bias: false}\n"
    "    - {name: bn1, type: batch_norm}\n"
    "    - {type: relu}\n"
    "    - {name: conv2, type: conv2d, out: 16, kernel: 3, padding: same, bias: false}\n"
    "    - {type: flatten}\n"
    "    - {name: fc, type: linear, out: 3}\n"
    "compression: {type: self_compress, gamma: 0.01}\n"
    "train: {epochs: 6, batch_size: 32, optimizer: {type: adam, lr: 0.003}}\n";

TrainBench measure(const TrainBenchOptions& options) {
  const Experiment experiment = load(measured);
  RunComponents parts = prepare(experiment);
  return bench_training(experiment, parts, options);
}

TrainBenchOptions options_of(std::int64_t warmup, std::int64_t steps, std::vector<double> keep = {}) {
  TrainBenchOptions options;
  options.warmup = warmup;
  options.steps = steps;
  options.keep = std::move(keep);
  return options;
}

double ms_of(const std::vector<StepTimes::Part>& parts, const std::string& name) {
  const auto part = std::ranges::find(parts, name, &StepTimes::Part::name);
  return part == parts.end() ? -1.0 : part->ms;
}

/// Two steps of 4 and 6 ms: 1 ms waiting, a forward of 2 ms with kernels of 1.5 (one of which starts another), 0.25 ms
/// of a kernel between the parts; then a removal of 3 ms with a kernel of its own.
TrainBench made_up_bench() {
  TrainBench bench;
  bench.name = "made up";
  bench.batch_size = 10;
  bench.steps_per_epoch = 100;
  TrainBench::Network& network = bench.networks.emplace_back();
  network.macs = 1000;
  network.steps = 2;
  network.preparation = 0.004;
  network.times.places = {{"epoch", -1},    {"step", 0},        {"batch wait", 1},  {"forward", 1},
                          {"forward/a", 3}, {"kernel/conv", 4}, {"kernel/fill", 5}, {"kernel/copy", 1},
                          {"removal", 0},   {"kernel/conv", 8}};
  const auto add = [&](int place, double begin, double end) {
    network.times.events.push_back({place, std::llround(1e6 * begin), std::llround(1e6 * end)});
  };
  add(0, 0, 20);
  for (const double at : {0.0, 10.0}) {
    add(1, at, at + (at > 0 ? 6 : 4));
    add(2, at, at + 1);
    add(3, at + 1, at + 3);
    add(4, at + 1, at + 3);
    add(5, at + 1, at + 2.5);
    add(6, at + 1, at + 1.5);
    add(7, at + 3, at + 3.25);
  }
  add(8, 16, 19);
  add(9, 16, 18);
  TrainBench::Network half = network;
  half.macs = 500;
  half.keep = 0.5;
  half.replanning = 0.005;
  for (RangeTimes::Event& event : half.times.events) event.begin /= 2, event.end /= 2;
  bench.networks.push_back(half);
  return bench;
}

}  // namespace

TEST_CASE("the parts of a step are those of its ranges, and kernels count once", "[train_bench]") {
  const TrainBench bench = made_up_bench();
  const StepTimes times = step_times(bench.networks[0]);
  CHECK(times.median == Approx(5));
  CHECK(times.low == Approx(4.5));
  CHECK(times.high == Approx(5.5));
  CHECK(times.mean == Approx(5));
  REQUIRE(times.parts.size() == 3);
  CHECK(times.parts[0].name == "waiting for data");
  CHECK(times.parts[0].ms == Approx(1));
  CHECK(times.parts[0].outside.value() == Approx(1));
  CHECK(times.parts[1].ms == Approx(2));
  CHECK(times.parts[1].outside.value() == Approx(0.5));
  CHECK(times.parts[2].name == "the rest");
  CHECK(times.parts[2].ms == Approx(2));
  CHECK(times.parts[2].outside.value() == Approx(1.75));
  REQUIRE(times.kernels.size() == 2);  // the fill is part of its convolution, the removal's is in no step
  CHECK(times.kernels[0].name == "conv");
  CHECK(times.kernels[0].ms == Approx(1.5));
  CHECK(times.kernels[1].ms == Approx(0.25));
  REQUIRE(times.between.size() == 1);
  CHECK(times.between[0].name == "removal");
  CHECK(times.between[0].ms == Approx(3));
  CHECK(efficiency(bench, bench.networks[0]) == Approx(1));
  CHECK(efficiency(bench, bench.networks[1]) == Approx(1));  // half of the work in half of the time

  const Json json = Json::parse(train_bench_json(bench));
  const Json& whole = json["networks"][0];
  CHECK(whole["preparation_ms"] == Approx(2));
  CHECK(whole["outside_kernels_ms"] == Approx(3.25));
  CHECK(whole["images_per_second"] == Approx(2000));
  CHECK(json["networks"][1]["macs_percent"] == Approx(50));
  CHECK(json["networks"][1]["replanning_percent_of_epoch"] == Approx(2));
  const std::string table = train_bench_table(bench);
  CHECK(contains(table, "a step takes 5.000 ms (median; quartiles 4.500 and 5.500), 2,000 images a second\n"));
  CHECK(contains(table, "step                5.000      100.0           3.250 (65.0%)"));
  CHECK(contains(table, "removal        3.000           0.60"));
}

TEST_CASE("measured parts sum to the step", "[train_bench]") {
  const TrainBench bench = measure(options_of(3, 12));
  REQUIRE(bench.networks.size() == 1);
  const StepTimes times = step_times(bench.networks[0]);
  double sum = 0;
  for (const StepTimes::Part& part : times.parts) {
    sum += part.ms;
    CHECK(part.ms >= 0);
    REQUIRE(part.outside.has_value());
    CHECK(*part.outside >= 0);
    CHECK(*part.outside <= part.ms + 1e-9);
  }
  CHECK(sum == Approx(times.mean).epsilon(1e-9));  // of one clock's whole nanoseconds
  CHECK(times.low <= times.median);
  CHECK(times.median <= times.high);
  for (const char* name : {"waiting for data", "forward", "loss", "backward", "size_loss", "update", "the rest"}) {
    INFO(name);
    CHECK(ms_of(times.parts, name) >= 0);
  }
  double kernels = 0;
  for (const StepTimes::Part& kernel : times.kernels) kernels += kernel.ms;
  for (const char* name : {"conv2d_forward", "conv2d_backward_weights", "batch_norm_backward", "adam"}) {
    INFO(name);
    CHECK(ms_of(times.kernels, name) > 0);
  }
  CHECK(kernels < times.mean);
  // 7 steps an epoch: an epoch ends within the twelve behind the third.
  for (const char* name : {"removal", "statistics", "evaluation"}) {
    INFO(name);
    CHECK(ms_of(times.between, name) > 0);
  }
  CHECK(bench.networks[0].preparation > 0);
  CHECK(bench.times.events.size() == bench.networks[0].times.events.size());
}

TEST_CASE("smaller networks are measured after the whole one", "[train_bench]") {
  const TrainBench bench = measure(options_of(2, 4, {0.5, 0.2}));
  REQUIRE(bench.networks.size() == 3);
  const auto whole = static_cast<double>(bench.networks[0].macs);
  CHECK(static_cast<double>(bench.networks[1].macs) <= 0.5 * whole);
  CHECK(static_cast<double>(bench.networks[1].macs) > 0.35 * whole);
  CHECK(static_cast<double>(bench.networks[2].macs) <= 0.2 * whole);
  CHECK(bench.networks[2].macs > 0);
  for (const TrainBench::Network& network : bench.networks) {
    std::int64_t steps = 0;
    for (const RangeTimes::Event& event : network.times.events) {
      steps += network.times.places[static_cast<std::size_t>(event.place)].name == "step" ? 1 : 0;
    }
    CHECK(steps == 4);
    CHECK((network.replanning > 0) == (&network != &bench.networks[0]));
    CHECK(efficiency(bench, network) > 0);
  }
}

TEST_CASE("whole epochs, too many steps, a stop", "[train_bench]") {
  TrainBenchOptions epochs = options_of(0, 1);
  epochs.epochs = 2;
  CHECK(measure(epochs).networks[0].steps == 14);
  const auto kind = [](const TrainBenchOptions& options) {
    try {
      (void)measure(options);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::check;
  };
  CHECK(kind(options_of(2, 40)) == ErrorKind::check);  // 42 steps, to the very end: no error
  CHECK(kind(options_of(3, 40)) == ErrorKind::usage);
  CHECK(kind(options_of(2, 13, {0.5, 0.2})) == ErrorKind::usage);
  CHECK(kind(options_of(std::int64_t{1} << 40, 1)) == ErrorKind::usage);
  TrainBenchOptions stopped = options_of(1, 4);
  stopped.should_stop = [] { return StopRequest{ErrorKind::interrupted, "interrupted"}; };
  CHECK(kind(stopped) == ErrorKind::interrupted);
}

}  // namespace scnn::test
