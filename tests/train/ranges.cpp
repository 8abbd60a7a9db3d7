#include <map>
#include <optional>

#include "catch.h"
#include "core/trace_timer.h"
#include "training.h"

namespace scnn::test {
namespace {

/// "epoch > step > loss"
std::string path_of(const RangeTimes& times, int place) {
  const RangeTimes::Place& at = times.places[static_cast<std::size_t>(place)];
  return at.parent < 0 ? at.name : path_of(times, at.parent) + " > " + at.name;
}

struct Trained {
  std::map<std::string, std::vector<float>> values;
  std::size_t removals = 0;
};

Trained train(TraceSink* sink) {
  const TemporaryFolder checkpoints;
  TrainerOptions options = small_options();
  options.train.epochs = 4;
  options.checkpoint_folder = checkpoints.path();
  TrainObserver nobody;
  Run run(options, nobody);
  std::optional<TraceListener> listen;
  if (sink != nullptr) listen.emplace(*sink);
  REQUIRE(run.trainer->run());
  return {run.values(), run.trainer->state().removals.size()};
}

}  // namespace

TEST_CASE("training has its named ranges, and the same bits whether somebody listens or not", "[train][range]") {
  TraceTimer timer([] {});
  const Trained heard = train(&timer);
  const Trained unheard = train(nullptr);
  CHECK(heard.values == unheard.values);
  REQUIRE(heard.removals > 0);
  CHECK(heard.removals == unheard.removals);

  const RangeTimes& times = timer.times();
  const std::vector<RangeTimes::Total> totals = times.totals();
  std::map<std::string, std::int64_t> calls;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    const std::string path = path_of(times, static_cast<int>(i));
    CHECK(calls.emplace(path, totals[i].calls).second);
    CHECK(totals[i].self >= 0);
  }
  // 512 images in batches of 32, 4 batches of statistics and 128 images in one batch of 256 after each epoch.
  const std::string step = "epoch > step > ";
  const std::map<std::string, std::int64_t> wanted = {
      {"epoch", 4},
      {"epoch > step", 64},
      {step + "batch wait", 64},
      {step + "forward", 64},
      {step + "forward > forward/conv1", 64},
      {step + "forward > forward/sum", 64},
      {step + "loss", 64},
      {step + "backward", 64},
      {step + "backward > backward/conv1", 64},
      {step + "backward > backward/conv1 > kernel/conv2d_backward_weights", 64},
      {step + "backward > backward/sum", 64},
      {step + "size_loss", 64},
      {step + "update", 64},
      {"epoch > removal", 4},
      {"epoch > statistics", 4},
      {"epoch > statistics > forward > forward/fc", 16},
      {"epoch > evaluation", 4},
      {"epoch > evaluation > forward > forward/fc", 4},
      {"epoch > checkpoint", 4}};
  for (const auto& [path, count] : wanted) {
    INFO(path);
    CHECK(calls[path] == count);
  }
  // Each layer that computes is there in both directions; conv1 learns, so everything behind it has a gradient.
  for (const auto& [path, count] : calls) {
    const std::size_t at = path.find(step + "forward > forward/");
    if (at != 0) continue;
    const std::string layer = path.substr((step + "forward > forward/").size());
    if (layer.find(" > ") != std::string::npos) continue;  // a kernel of the layer
    INFO(layer);
    CHECK(calls[step + "backward > backward/" + layer] == count);
  }
}

}  // namespace scnn::test
