#include "run/watch.h"

#include <fstream>

#include "catch.h"
#include "fake_run.h"

using namespace scnn;

namespace {

RunView fake_view() {
  RunView view;
  view.info.name = "fake";
  view.info.total_steps = 60;
  view.epochs = 6;
  EpochRecord epoch;
  epoch.epoch = 2;
  epoch.step = 20;
  epoch.train_seconds = 9;
  epoch.eval_seconds = 1;
  view.history.epochs = {epoch};
  return view;
}

int lines_of(const std::string& frame, std::size_t& widest) {
  int count = 0;
  for (std::size_t at = 0; at < frame.size();) {
    const std::size_t end = frame.find('\n', at);
    widest = std::max(widest, end - at);
    at = end + 1;
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("the time left follows from the last epoch") {
  RunView view = fake_view();
  REQUIRE(*view.seconds_left() == Approx(40));  // 4 epochs of 10 seconds
  view.step = StepRecord{2, 25, 1.0, 0.0, 100.0};
  REQUIRE(*view.seconds_left() == Approx(35));
  view.history.epochs.clear();
  REQUIRE_FALSE(view.seconds_left());
  view.batch_size = 200;
  REQUIRE(*view.seconds_left() == Approx(35 * 2));
}

TEST_CASE("a frame fits the terminal, whatever its size") {
  const test::TemporaryFolder place;
  test::fake_run(place.path() / "run", test::fake_experiment());
  RunWatch watch(place.path() / "run");
  const RunView& view = watch.refresh();
  REQUIRE(view.ended());
  REQUIRE(view.history.layers.back().size() == 4);
  for (const int columns : {1, 20, 40, 80, 200}) {
    for (const int rows : {1, 6, 10, 12, 24}) {
      std::size_t widest = 0;
      const int count = lines_of(watch_frame(view, {columns, rows, false}), widest);
      REQUIRE(widest <= static_cast<std::size_t>(std::max(1, columns - 1)));
      REQUIRE(count <= std::max(4, rows - 1));
    }
  }
  const std::string frame = watch_frame(view, {80, 24, false});
  REQUIRE(frame.find("conv2         [###---------------]    12/64 ") != std::string::npos);
  REQUIRE(frame.find("removed 4 channels of conv2 in epoch 6") != std::string::npos);
  REQUIRE(watch_frame(view, {80, 13, false}).find("more layers") != std::string::npos);
}

TEST_CASE("records that are cut back are read again; damaged lines are counted") {
  const test::TemporaryFolder place;
  const RunFolder folder = RunFolder::create(test::fake_experiment(), {}, place.path() / "run");
  RunWatch watch(folder.path());
  REQUIRE(watch.refresh().history.epochs.empty());
  {
    RunRecorder recorder(folder, LoggingOptions{}, 5);
    test::play(recorder, 4);
  }
  REQUIRE(watch.refresh().history.epochs.size() == 4);
  REQUIRE(watch.refresh().history.epochs.size() == 4);
  RunRecorder recorder(folder, LoggingOptions{}, 5);
  recorder.on_start(20, 40);
  REQUIRE(watch.refresh().history.epochs.size() == 2);
  REQUIRE(watch.refresh().history.removals.size() == 1);
  std::ofstream(folder.file("metrics.jsonl"), std::ios::app) << "{\"type\": \"epo\n{\"type\": \"epoch\"}\ntorn";
  REQUIRE(watch.refresh().damaged_lines == 2);
  REQUIRE(watch.refresh().history.epochs.size() == 2);
}

TEST_CASE("the newest run below a folder is found") {
  const test::TemporaryFolder place;
  REQUIRE_THROWS_AS(find_run(place.path()), Error);
  REQUIRE_THROWS_AS(find_run(place.path() / "absent"), Error);
  const RunFolder old = RunFolder::create(test::fake_experiment(), {}, place.path() / "a" / "old");
  const RunFolder young = RunFolder::create(test::fake_experiment(), {}, place.path() / "b" / "young");
  std::filesystem::last_write_time(old.file("run.json"),
                                   std::filesystem::last_write_time(young.file("run.json")) - std::chrono::hours(1));
  REQUIRE(find_run(place.path()) == young.path());
  REQUIRE(find_run(old.path()) == old.path());
}
