// compression.revive in training: channels that reach 0 bits, come back, and are taken out.
#include <map>
#include <set>

#include "catch.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;

namespace {

using Channel = std::pair<std::string, std::int32_t>;  ///< layer, original index

/// Follows the bits of every channel from step to step.
struct BitsWatcher : TrainObserver {
  Run* run = nullptr;
  std::map<Channel, float> bits;  ///< after the last step
  std::set<Channel> died, came_back, removed, removed_alive;
  std::vector<RemovalRecord> removals;

  [[nodiscard]] std::map<Channel, float> now() const {
    std::map<Channel, float> all;
    for (const int index : run->graph.weighted_nodes()) {
      Graph::Node& node = run->graph.nodes()[static_cast<std::size_t>(index)];
      const auto live = run->graph.sets()[node.edge.set].live();
      const std::vector<float> values =
          host_values(*run->backend, parameter(run->graph, node.spec.name + ".bits").value);
      for (std::size_t i = 0; i < values.size(); ++i) all[{node.spec.name, live[i]}] = values[i];
    }
    return all;
  }
  void on_step(const StepRecord&) override {
    const auto before = bits;
    bits = now();
    for (const auto& [channel, b] : before) {
      const auto found = bits.find(channel);
      if (found == bits.end()) {
        removed.insert(channel);
        if (b > 0.0F) removed_alive.insert(channel);
        continue;
      }
      if (b > 0.0F && found->second == 0.0F) died.insert(channel);
      if (b == 0.0F && found->second > 0.0F) came_back.insert(channel);
    }
  }
  void on_removal(const RemovalRecord& record) override { removals.push_back(record); }
};

void train(BitsWatcher& seen, const TrainerOptions& options) {
  Run run(options, seen);
  seen.run = &run;
  REQUIRE(run.trainer->run());
  seen.run = nullptr;
}

TrainerOptions revive_options(bool revive) {
  TrainerOptions options = small_options();
  options.compression.revive = revive;
  return options;
}

}  // namespace

TEST_CASE("a channel that reached 0 bits comes back with revive, and only then") {
  TrainerOptions options = revive_options(true);
  options.compression.removal = {0.0, 0};
  BitsWatcher with;
  train(with, options);
  CHECK_FALSE(with.died.empty());
  CHECK_FALSE(with.came_back.empty());

  options.compression.revive = false;
  BitsWatcher without;
  train(without, options);
  CHECK_FALSE(without.died.empty());
  CHECK(without.came_back.empty());
}

TEST_CASE("a removal ends a revival: what is dead then goes, what came back stays, and the function is kept") {
  BitsWatcher seen;
  TrainerOptions options = revive_options(true);
  options.compression.gamma = 0.05;
  train(seen, options);
  CHECK_FALSE(seen.came_back.empty());
  REQUIRE_FALSE(seen.removed.empty());
  CHECK(seen.removed_alive.empty());
  for (const RemovalRecord& removal : seen.removals) CHECK(removal.max_diff < 1e-5);
  INFO(seen.died.size() << " died, " << seen.came_back.size() << " came back, " << seen.removed.size() << " removed");
  const bool one_stays =
      std::ranges::any_of(seen.came_back, [&](const Channel& c) { return !seen.removed.contains(c); });
  CHECK(one_stays);
}
