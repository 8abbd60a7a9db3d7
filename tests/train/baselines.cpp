#include "catch.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;

namespace {

TrainerOptions options_of(std::string_view type) {
  TrainerOptions options = small_options();
  options.compression.type = type;
  options.compression.bits = 4;
  options.compression.gamma = 0.02;
  options.compression.diffq.max_bits = 8;
  options.compression.diffq.init_bits = 6;
  options.compression.prune = {0.5, {2, 4}};
  options.train.optimizer.groups = {{{"*.exponent"}, 0.01, std::nullopt, std::nullopt, std::nullopt},
                                    {{"*.step"}, 1e-4, std::nullopt, std::nullopt, std::nullopt},
                                    {{"*.logit"}, 0.05, std::nullopt, std::nullopt, std::nullopt}};
  return options;
}

constexpr std::string_view baselines[] = {"diffq", "lsq", "magnitude_prune"};

}  // namespace

TEST_CASE("baselines train in the same loop, and report bits as their kind has them") {
  for (const std::string_view type : baselines) {
    INFO(type);
    Recorder seen;
    Run run(options_of(type), seen);
    REQUIRE(run.trainer->run());
    const EpochRecord& last = seen.epochs.back();
    CHECK(last.evaluation->top1 > 0.6);
    const double a_weight = last.size.learned_bits / static_cast<double>(last.size.original_weights);
    if (type == "lsq") CHECK(a_weight == Approx(4));
    if (type == "diffq") {
      CHECK((a_weight > 2 && a_weight < 0.8 * 6));
      CHECK(last.size_loss == Approx(a_weight).epsilon(0.01));
    }
    if (type == "magnitude_prune") {
      CHECK(live_channels(run.graph, "conv1") == 4);
      CHECK(live_channels(run.graph, "sum_in") == 6);
      CHECK(live_channels(run.graph, "fc") == 4);
      for (const RemovalRecord& removal : run.trainer->state().removals) CHECK(removal.max_diff < 1e-5);
      CHECK(seen.epochs[1].size.live_weights < last.size.original_weights);
      CHECK(seen.epochs[0].size.live_weights == last.size.original_weights);
    } else {
      CHECK(run.trainer->state().removals.empty());
    }
  }
}

TEST_CASE(
    "a baseline's run that was stopped goes on to the very same numbers, and a checkpoint of another type is refused") {
  for (const std::string_view type : baselines) {
    INFO(type);
    TrainerOptions options = options_of(type);
    options.train.epochs = 5;
    options.train.schedule.type = ScheduleType::reduce_on_plateau;  // with a state that has to go on too
    options.train.schedule.patience = 0;
    options.train.schedule.threshold = 0.5;
    options.train.schedule.cooldown = 1;
    options.train.schedule.factor = 0.5;
    Recorder whole_seen;
    Run whole(options, whole_seen);
    REQUIRE(whole.trainer->run());
    REQUIRE(whole_seen.epochs.back().lr < whole_seen.epochs.front().lr);
    for (const std::int64_t stop_at : {30, 32, 41}) {
      const TemporaryFolder folder;
      options.checkpoint_folder = folder.path();
      Recorder first_seen;
      first_seen.stop_at = stop_at;
      Run first(options, first_seen);
      REQUIRE_FALSE(first.trainer->run());
      std::vector<std::string> warnings;
      const auto checkpoint = CheckpointFolder(folder.path()).newest(warnings);
      REQUIRE(checkpoint.has_value());
      Recorder second_seen;
      Run second(options, second_seen);
      second.trainer->resume(*checkpoint);
      REQUIRE(second.trainer->run());
      CHECK(second.values() == whole.values());

      TrainerOptions other = options;
      other.compression.type = "none";
      Run wrong(other, second_seen);
      CHECK_THROWS_AS(wrong.trainer->resume(*checkpoint), Error);
    }
  }
}
