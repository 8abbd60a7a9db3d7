// Policies in the trainer's loop, and their states in checkpoints.
#include "catch.h"
#include "train/trainer_state.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

namespace {

/// Counts its calls, and switches the size loss off from a step on.
struct Counter final : CompressionPolicy {
  std::int64_t before = 0, after = 0, off_from = 1'000'000;
  double restored = 0;
  [[nodiscard]] std::string_view name() const override { return "counter"; }
  void before_step(TrainingAccess& training) override {
    CHECK(training.clock().step == before);
    ++before;
  }
  void after_step(TrainingAccess& training) override {
    ++after;
    CHECK(training.clock().step == after);
    if (after == 1) CHECK(training.probe_images(3).shape() == Shape{3, 8, 8, 1});
  }
  [[nodiscard]] double gamma_factor(const RunClock& clock) const override { return clock.step < off_from ? 1 : 0; }
  [[nodiscard]] PolicyState state() const override { return {{"after", static_cast<double>(after)}}; }
  void restore(const PolicyState& state) override { restored = state.at("after"); }
};

/// The training state of a run with a byte budget, as version 0.1.0 wrote it.
constexpr const char* state_of_0_1_0 =
    R"({"step":20,"loss_sum":3.5,"correct":100,"images":128,"train_seconds":0.25,"removal_seconds":0.0,"macs":4.0,)"
    R"("first_macs":16.0,"epoch_seconds":[1.5],"eval_seconds":0.5,"budget":[0.125,4000.0,0.05,0.15,0.01],)"
    R"("guard":[],"removals":[{"epoch":1,"step":16,"layer":"conv1","channels":2,"max_diff":1e-7,"efficiency":null}],)"
    R"("schedules":[{"best":0.0,"epochs_since":-1,"reductions":0,"cooling":0}]})";

}  // namespace

TEST_CASE("a caller's own policy is called around every step, weighs the size loss, and is kept in checkpoints") {
  const TemporaryFolder folder;
  TrainerOptions options = small_options();
  options.train.epochs = 2;
  options.checkpoint_folder = folder.path();
  Recorder seen;
  seen.stop_at = 20;
  Run run(options, seen);
  auto made = std::make_unique<Counter>();
  Counter& counter = *made;
  counter.off_from = 16;
  run.trainer->add_policy(std::move(made));
  CHECK_THROWS_WITH(run.trainer->add_policy(std::make_unique<Counter>()), Contains("two policies 'counter'"));
  REQUIRE_FALSE(run.trainer->run());
  CHECK(counter.before == 20);
  CHECK(counter.after == 20);
  CHECK(seen.epochs.at(0).gamma == 0);
  CHECK(run.trainer->gamma(RunClock{3, 16, 32, 32}) == options.compression.gamma);

  std::vector<std::string> warnings;
  const auto checkpoint = CheckpointFolder(folder.path()).newest(warnings);
  REQUIRE(checkpoint.has_value());
  Recorder nobody;
  Run again(options, nobody);
  made = std::make_unique<Counter>();
  Counter& other = *made;
  again.trainer->add_policy(std::move(made));
  again.trainer->resume(*checkpoint);
  CHECK(other.restored == 20);
  Run without(options, nobody);  // the state of a policy that is gone is passed over
  CHECK_NOTHROW(without.trainer->resume(*checkpoint));
}

TEST_CASE("training until a step and on from there comes to the same numbers as in one go") {
  TrainerOptions options = small_options();
  options.train.epochs = 3;
  Recorder a, b;
  Run whole(options, a), parts(options, b);
  REQUIRE(whole.trainer->run());
  for (const std::int64_t until : {1, 10, 16, 17, 40, 1000}) REQUIRE(parts.trainer->run_until(until));
  CHECK(parts.trainer->clock().ended());
  CHECK(parts.values() == whole.values());
  CHECK(a.losses == b.losses);
}

TEST_CASE("a checkpoint's training state as version 0.1.0 wrote it is read") {
  CompressionOptions options;
  options.target_bytes = 1000;
  TrainerState state;
  state.clock = {0, 16, 128, 128};
  PolicyList policies;
  make_method(options)->add_policies(policies, {state.clock, {}});
  std::vector<Schedule> schedules = {Schedule({}, 8)};
  Checkpoint checkpoint;
  checkpoint.file.metadata["state"] = state_of_0_1_0;
  restore_state(checkpoint, state, policies, schedules);
  CHECK(state.clock.step == 20);
  CHECK(state.epoch_seconds == std::vector<double>{1.5});
  REQUIRE(state.removals.size() == 1);
  CHECK(state.removals[0].layer == "conv1");
  REQUIRE(policies.front()->name() == "byte_budget");
  const PolicyState budget = policies.front()->state();
  CHECK(budget.at("log_factor") == 0.125);
  CHECK(budget.at("first_bytes") == 4000);
  CHECK(budget.at("first_progress") == 0.05);
  CHECK(budget.at("progress") == 0.15);
  CHECK(budget.at("error") == 0.01);

  // Written now, it reads back to the same.
  checkpoint.file.metadata["state"] = state_text(state, policies, schedules);
  PolicyList fresh;
  make_method(options)->add_policies(fresh, {state.clock, {}});
  restore_state(checkpoint, state, fresh, schedules);
  CHECK(fresh.front()->state() == budget);
}
