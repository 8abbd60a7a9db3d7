#include "scnn/train/trainer.h"

#include <algorithm>
#include <cmath>

#include "catch.h"
#include "scnn/packed/packed.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

namespace {

/// Goes on from the newest checkpoint of a folder, to the end.
void go_on(Run& run, const std::filesystem::path& checkpoints) {
  std::vector<std::string> warnings;
  const auto newest = CheckpointFolder(checkpoints).newest(warnings);
  REQUIRE(newest.has_value());
  CHECK(warnings.empty());
  run.trainer->resume(*newest);
  REQUIRE(run.trainer->run());
}

/// What a run ends with that is stopped after a step and resumed.
std::map<std::string, std::vector<float>> values_of_two_parts(TrainerOptions options, std::int64_t stop_at) {
  const TemporaryFolder folder;
  options.checkpoint_folder = folder.path();
  Recorder first;
  first.stop_at = stop_at;
  Run before(options, first);
  REQUIRE_FALSE(before.trainer->run());
  Recorder second;
  Run after(options, second);
  go_on(after, folder.path());
  return after.values();
}

}  // namespace

TEST_CASE("training learns the task, loses bits and channels, and keeps the function at each removal") {
  Recorder seen;
  Run run(small_options(), seen);
  REQUIRE(run.trainer->run());
  REQUIRE(seen.epochs.size() == 8);
  CHECK(seen.epochs.back().train_loss < 0.7 * seen.epochs.front().train_loss);
  CHECK(seen.epochs.back().evaluation->top1 > 0.6);
  CHECK(seen.epochs.back().size.learned_bits < 0.6 * seen.epochs.front().size.learned_bits);
  REQUIRE_FALSE(seen.removals.empty());
  for (const RemovalRecord& removal : seen.removals) CHECK(removal.max_diff < 1e-5);
  CHECK(seen.epochs.back().size.macs < seen.epochs.front().size.original_macs);
  CHECK(run.trainer->state().epoch_seconds.size() == 8);

  // Multiply-adds a second, as shares of the first epoch's; an epoch's removal comes behind its last step.
  const auto rate = [&](std::size_t epoch) {
    const SizeStatus& size = seen.epochs[epoch == 0 ? 0 : epoch - 1].size;
    return static_cast<double>(epoch == 0 ? size.original_macs : size.macs) / seen.epochs[epoch].train_seconds;
  };
  for (std::size_t epoch = 0; epoch < seen.epochs.size(); ++epoch) {
    CHECK(seen.epochs[epoch].efficiency == Approx(rate(epoch) / rate(0)));
  }
  for (const RemovalRecord& removal : seen.removals) {
    CHECK(removal.efficiency == seen.epochs[static_cast<std::size_t>(removal.epoch) - 1].efficiency);
  }
}

TEST_CASE("same seed and threads give the same numbers bit for bit; another seed gives others") {
  TrainerOptions options = small_options();
  options.train.epochs = 2;
  const auto losses = [&](int threads) {
    Recorder seen;
    Run run(options, seen, threads);
    REQUIRE(run.trainer->run());
    return seen.losses;
  };
  const std::vector<double> one = losses(1);
  CHECK(one == losses(1));
  const std::vector<double> two = losses(2);
  CHECK(two == losses(2));
  // The same draws: the first loss differs only by the order of sums.
  CHECK(two.front() == Approx(one.front()).epsilon(1e-5));
  options.seed = 6;
  CHECK(one != losses(1));
}

TEST_CASE("the fused update of quantized layers and the separate ops train to the same bits, removals included") {
  for (const OptimizerType type : {OptimizerType::adam, OptimizerType::adamw}) {
    for (const bool revive : {false, true}) {
      TrainerOptions options = small_options();
      options.train.epochs = 3;
      options.train.optimizer.type = type;
      options.train.optimizer.weight_decay = 0.01;
      options.compression.gamma = 0.06;
      options.compression.revive = revive;
      options.compression.exclude = {"sum_in"};  // a layer without bits
      Recorder fused_seen;
      Run fused(options, fused_seen);
      options.train.clip_gradient = 1e30;  // scales nothing, but needs all gradients first
      Recorder seen;
      Run separate(options, seen);
      REQUIRE(fused.trainer->run());
      REQUIRE(separate.trainer->run());
      CHECK(fused_seen.losses == seen.losses);
      CHECK(fused.values() == separate.values());
      if (!revive) CHECK_FALSE(seen.removals.empty());
    }
  }
}

TEST_CASE("parameters that are no numbers reach no checkpoint") {
  const TemporaryFolder folder;
  TrainerOptions options = small_options();
  options.train.optimizer.type = OptimizerType::sgd;
  options.train.optimizer.groups = {{{"conv1.weight"}, 1e300, std::nullopt, std::nullopt, std::nullopt}};
  options.checkpoint.every = Period{0, 1};
  options.checkpoint_folder = folder.path();
  Recorder nobody;
  Run run(options, nobody);
  CHECK_THROWS_WITH(run.trainer->run(), Contains("step 1: a parameter is not a number (parameter 'conv1.weight')"));
  CHECK(nobody.losses.size() == 1);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a run that was stopped between two steps goes on to the very same numbers, across removals") {
  TrainerOptions options = small_options();
  Recorder whole_seen;
  Run whole(options, whole_seen);
  REQUIRE(whole.trainer->run());
  REQUIRE_FALSE(whole_seen.removals.empty());

  for (const std::int64_t stop_at : {5, 32, 50, 77}) {
    INFO("stopped after step " << stop_at);
    const TemporaryFolder folder;
    options.checkpoint_folder = folder.path();
    Recorder first_seen;
    first_seen.stop_at = stop_at;
    Run first(options, first_seen);
    REQUIRE_FALSE(first.trainer->run());
    Recorder second_seen;
    Run second(options, second_seen);
    go_on(second, folder.path());
    CHECK(second.values() == whole.values());
    REQUIRE_FALSE(second_seen.epochs.empty());
    for (const EpochRecord& epoch : second_seen.epochs) {
      const EpochRecord& same = whole_seen.epochs[static_cast<std::size_t>(epoch.epoch - 1)];
      CHECK(epoch.train_loss == same.train_loss);
      CHECK(epoch.evaluation->top1 == same.evaluation->top1);
      CHECK(epoch.size.learned_bits == same.size.learned_bits);
    }
    CHECK(second.trainer->state().removals.size() == whole.trainer->state().removals.size());
  }
}

TEST_CASE("a loss that is no number ends the run and names step and layer") {
  TrainerOptions options = small_options();
  options.compression.type = "none";
  options.train.optimizer.lr = 1e30;
  Recorder seen;
  Run run(options, seen);
  try {
    static_cast<void>(run.trainer->run());
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::training);
    CHECK_THAT(error.what(), Contains("step ") && Contains("layer '") && Contains("train.optimizer.lr"));
  }
}

TEST_CASE("a number lost in the very last update is found by the evaluation behind it") {
  TrainerOptions options = small_options();
  options.compression.type = "none";
  options.train.epochs = 1;
  options.train.batch_size = 512;
  options.train.optimizer.lr = 1e38;
  Recorder seen;
  Run run(options, seen);
  try {
    static_cast<void>(run.trainer->run());
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::training);
    CHECK_THAT(error.what(), Contains("step 1: the evaluation loss"));
  }
}

TEST_CASE("a batch larger than the training set is refused") {
  TrainerOptions options = small_options();
  options.train.batch_size = 100000;
  Recorder seen;
  CHECK_THROWS_WITH(Run(options, seen), Contains("train.batch_size") && Contains("512 training images"));
}

TEST_CASE("gamma rises over its ramp and stays") {
  TrainerOptions options = small_options();
  options.compression.gamma_ramp_epochs = 2;
  Recorder seen;
  const Run run(options, seen);
  const auto gamma_after = [&](std::int64_t epochs) {
    RunClock clock = run.trainer->clock();
    clock.step = epochs * clock.steps_per_epoch;
    return run.trainer->gamma(clock);
  };
  CHECK(gamma_after(0) == 0.0);
  CHECK(gamma_after(1) == Approx(0.015));
  CHECK(gamma_after(4) == Approx(0.03));
}

TEST_CASE("none and fixed_bits train in the same loop and remove nothing") {
  for (const std::string type : {"none", "fixed_bits"}) {
    TrainerOptions options = small_options();
    options.compression.type = type;
    options.compression.bits = 4;
    Recorder seen;
    Run run(options, seen);
    REQUIRE(run.trainer->run());
    CHECK(seen.removals.empty());
    CHECK(seen.epochs.back().evaluation->top1 > 0.6);
    const double a_weight =
        seen.epochs.back().size.learned_bits / static_cast<double>(seen.epochs.back().size.original_weights);
    CHECK(a_weight == Approx(type == "none" ? 32 : 4));
  }
}

TEST_CASE("exponents become integers at their share of training and stay, also across a resume") {
  TrainerOptions options = small_options();
  options.train.epochs = 4;
  options.compression.integer_exponents_from = 0.5;
  const auto exponents = [](Run& run) {
    std::vector<float> all;
    for (Parameter* p : run.graph.parameters()) {
      if (!p->name.ends_with(".exponent")) continue;
      const std::vector<float> values = host_values(*run.backend, p->value);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  const auto whole = [](float value) { return value == std::nearbyint(value); };
  Recorder seen;
  Run run(options, seen);
  REQUIRE(run.trainer->run());
  const std::vector<float> last = exponents(run);
  CHECK(std::ranges::all_of(last, whole));
  CHECK(seen.epochs.back().evaluation->top1 > 0.6);

  // Half of the steps is where they are rounded: stopped there and resumed, or stopped before, when they are still
  // real.
  const auto half = static_cast<std::int64_t>(seen.losses.size() / 2);
  for (const std::int64_t stop : {half, half - 1, half + 5}) {
    INFO("stopped at step " << stop);
    const TemporaryFolder folder;
    options.checkpoint_folder = folder.path();
    Recorder first;
    first.stop_at = stop;
    Run before(options, first);
    REQUIRE_FALSE(before.trainer->run());
    CHECK(std::ranges::all_of(exponents(before), whole) == (stop > half));
    Recorder second;
    Run after(options, second);
    go_on(after, folder.path());
    CHECK(after.values() == run.values());
  }

  // Asked for where their share has passed already, as a fork may, or so late that no step is left behind it.
  for (const double share : {0.1, 0.9999}) {
    TrainerOptions late = small_options();
    late.train.epochs = 2;
    const TemporaryFolder folder;
    late.checkpoint_folder = folder.path();
    Recorder first;
    first.stop_at = 20;
    Run before(late, first);
    REQUIRE_FALSE(before.trainer->run());
    CHECK_FALSE(std::ranges::all_of(exponents(before), whole));
    late.compression.integer_exponents_from = share;
    Recorder second;
    Run after(late, second);
    go_on(after, folder.path());
    CHECK(std::ranges::all_of(exponents(after), whole));
  }
}

TEST_CASE("number formats freeze for the last epochs: they stay and its weights learn on, also across a resume") {
  // Formats at the end of every epoch.
  struct Formats : Recorder {
    Run* run = nullptr;
    std::vector<std::map<std::string, std::vector<float>>> seen;
    void on_epoch(const EpochRecord& record, const std::vector<LayerStatus>& layers) override {
      Recorder::on_epoch(record, layers);
      auto values = run->values();
      std::erase_if(values,
                    [](const auto& p) { return !p.first.ends_with(".bits") && !p.first.ends_with(".exponent"); });
      seen.push_back(std::move(values));
    }
  };
  TrainerOptions options = small_options();
  options.compression.freeze_fraction = 0.25;  // two of eight epochs
  options.compression.removal = {};            // what leaves would take its formats along
  Formats seen;
  Run run(options, seen);
  seen.run = &run;
  REQUIRE(run.trainer->run());
  REQUIRE(seen.epochs.size() == 8);
  CHECK(seen.seen[4] != seen.seen[5]);
  CHECK(seen.seen[5] == seen.seen[6]);
  CHECK(seen.seen[6] == seen.seen[7]);
  CHECK(seen.epochs[5].gamma > 0);
  CHECK(seen.epochs[6].gamma == 0);
  CHECK(seen.epochs[7].train_loss < seen.epochs[5].train_loss);

  const auto begins = static_cast<std::int64_t>(seen.losses.size()) * 3 / 4;
  for (const std::int64_t stop : {begins - 1, begins, begins + 3}) {
    INFO("stopped at step " << stop);
    CHECK(values_of_two_parts(options, stop) == run.values());
  }
}

TEST_CASE("a training of one step has none to freeze formats in") {
  TrainerOptions options = small_options();
  options.train.epochs = 1;
  options.compression.freeze_fraction = 0.5;
  options.train.batch_size = small_data().train.size();
  Recorder seen;
  Run run(options, seen);
  REQUIRE(run.trainer->total_steps() == 1);
  REQUIRE(run.trainer->run());
  CHECK(seen.epochs.back().gamma == run.trainer->gamma(run.trainer->clock()));
}

TEST_CASE("a byte budget is met at the end of training, also across a resume") {
  TrainerOptions options = small_options();
  const auto file_bytes = [](Graph& graph) {
    return static_cast<std::int64_t>(encode(pack(graph, "", small_data(), ExportOptions{})).size());
  };
  Recorder free_seen;
  Run free(options, free_seen);
  REQUIRE(free.trainer->run());
  const std::int64_t unbound = file_bytes(free.graph);

  for (const std::int64_t target : {unbound / 2, unbound * 3 / 2}) {
    INFO("target " << target << " bytes, " << unbound << " without one");
    options.compression.target_bytes = target;
    Recorder seen;
    Run run(options, seen);
    REQUIRE(run.trainer->run());
    CHECK(file_bytes(run.graph) <= target);
    CHECK(file_bytes(run.graph) >= target * 3 / 4);  // a whole bit of the smallest layers is a large step here

    CHECK(values_of_two_parts(options, 50) == run.values());
  }

  // Settled weights spread over more of their integers; here a file's size is that of the formats.
  options.compression.target_bytes = unbound / 2;
  options.compression.freeze_fraction = 0.25;
  Recorder seen;
  Run run(options, seen);
  REQUIRE(run.trainer->run());
  CHECK(file_bytes(run.graph) <= unbound / 2);
  CHECK(file_bytes(run.graph) >= unbound / 2 * 3 / 4);
}
