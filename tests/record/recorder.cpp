#include "record/recorder.h"

#include <fstream>

#include "catch.h"
#include "fake_run.h"
#include "record/append_file.h"
#include "record/records.h"

using namespace scnn;
namespace fs = std::filesystem;

namespace {

std::int64_t lines(const fs::path& path) {
  const std::string text = read_text(path, ErrorKind::bug);
  return std::count(text.begin(), text.end(), '\n');
}

RunFolder folder_at(const fs::path& path) { return RunFolder::create(test::fake_experiment(), {}, path); }

}  // namespace

TEST_CASE("records of a run read back as they were told") {
  const test::TemporaryFolder place;
  const RunFolder folder = folder_at(place.path() / "run");
  {
    RunRecorder recorder(folder, LoggingOptions{}, 5);
    test::play(recorder, 3);
  }
  // 3 epochs with 2 step lines each, 2 removals.
  REQUIRE(lines(folder.file("metrics.jsonl")) == 3 * 3 + 2);
  REQUIRE(lines(folder.file("bits.jsonl")) == 3);
  REQUIRE(lines(folder.file("epochs.csv")) == 4);
  const RunHistory history = read_history(folder.path());
  REQUIRE(history.epochs.size() == 3);
  REQUIRE(history.epochs[1].epoch == 2);
  REQUIRE(history.epochs[1].evaluation->top1 == Approx(0.91 - 0.125));
  REQUIRE(history.epochs[1].evaluation_split == "validation");
  REQUIRE(history.layers[2].size() == 4);
  REQUIRE(history.layers[2][1].layer == "conv2");
  REQUIRE(history.layers[2][1].channels.size() == history.layers[2][1].bits.size());
  REQUIRE(history.epochs[2].size.packed_bits > 0);
  REQUIRE(history.removals.size() == 2);
  REQUIRE(history.removals[0].layer == "conv2");
}

TEST_CASE("sinks that are off write nothing") {
  const test::TemporaryFolder place;
  const RunFolder folder = folder_at(place.path() / "run");
  LoggingOptions logging;
  logging.sinks = {"console"};
  {
    RunRecorder recorder(folder, logging, 1);
    test::play(recorder, 2);
  }
  REQUIRE_FALSE(fs::exists(folder.file("epochs.csv")));
  REQUIRE(lines(folder.file("metrics.jsonl")) == 3);  // epochs and a removal
}

TEST_CASE("going on drops what came after the checkpoint, and a torn line") {
  const test::TemporaryFolder place;
  const RunFolder straight = folder_at(place.path() / "straight");
  {
    RunRecorder recorder(straight, LoggingOptions{}, 5);
    test::play(recorder, 6);
  }
  const RunFolder broken = folder_at(place.path() / "broken");
  {
    RunRecorder recorder(broken, LoggingOptions{}, 5);
    test::play(recorder, 6);
  }
  for (const char* name : {"metrics.jsonl", "bits.jsonl", "epochs.csv"}) {
    std::ofstream(broken.file(name), std::ios::app) << "{\"type\": \"step\", \"st";
  }
  {
    RunRecorder recorder(broken, LoggingOptions{}, 5);
    test::play(recorder, 6, 1.0, 2);  // from the checkpoint at step 20
  }
  for (const char* name : {"metrics.jsonl", "bits.jsonl", "epochs.csv"}) {
    INFO(name);
    REQUIRE(read_text(broken.file(name), ErrorKind::bug) == read_text(straight.file(name), ErrorKind::bug));
  }
}

TEST_CASE("a torn last line is no obstacle to reading, a damaged one inside is named") {
  const test::TemporaryFolder place;
  const RunFolder folder = folder_at(place.path() / "run");
  {
    RunRecorder recorder(folder, LoggingOptions{});
    test::play(recorder, 2);
  }
  std::ofstream(folder.file("metrics.jsonl"), std::ios::app) << "{\"type\": \"ep";
  REQUIRE(read_history(folder.path()).epochs.size() == 2);
  std::ofstream(folder.file("metrics.jsonl"), std::ios::app) << "\n";
  try {
    (void)read_history(folder.path());
    FAIL("damage went unnoticed");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::checkpoint);
    REQUIRE(std::string(error.what()).find("metrics.jsonl:6:") != std::string::npos);
  }
  REQUIRE(read_history(place.path()).epochs.empty());
}

TEST_CASE("going on drops the damaged lines that reading complains of") {
  const test::TemporaryFolder place;
  const RunFolder folder = folder_at(place.path() / "run");
  {
    RunRecorder recorder(folder, LoggingOptions{});
    test::play(recorder, 2);
  }
  // JSON, and of a step before; but not the records they should be.
  std::ofstream(folder.file("metrics.jsonl"), std::ios::app) << R"({"type":"epoch","epoch":1,"step":1})"
                                                             << "\n";
  std::ofstream(folder.file("bits.jsonl"), std::ios::app) << R"({"epoch":1,"step":1,"layers":[{"layer":"fc"}]})"
                                                          << "\n";
  REQUIRE_THROWS_AS(read_history(folder.path()), Error);
  RunRecorder(folder, LoggingOptions{}).on_start(1000, 1000);
  const RunHistory history = read_history(folder.path());
  REQUIRE(history.epochs.size() == 2);
  REQUIRE(history.layers[1].size() == 4);
}

TEST_CASE("numbers that JSON lacks come back as NaN") {
  const test::TemporaryFolder place;
  const RunFolder folder = folder_at(place.path() / "run");
  RunRecorder recorder(folder, LoggingOptions{});
  recorder.on_start(0, 10);
  EpochRecord record;
  record.train_loss = std::nan("");
  recorder.on_epoch(record, {});
  REQUIRE(std::isnan(read_history(folder.path()).epochs.at(0).train_loss));
}

TEST_CASE("records keep every field") {
  const LayerStatus layer{"conv", 4, {0, 3}, {2.5F, 0.0F}, 40, 20, 50.0, 60};
  REQUIRE(to_json(layer_from_json(to_json(layer))) == to_json(layer));
  const RemovalRecord removal{3, 30, "fc", 2, 1e-6};
  REQUIRE(to_json(removal_from_json(to_json(removal))) == to_json(removal));
  EpochRecord epoch{4, 40, 0.5, 0.9, 3.5, 0.02, 1e-3, Metrics{0.4, 0.8, 100}, "test", {}, 1.5, 0.25, 0.125, 0.0625};
  epoch.size = {1000, 900, 20, 19, 4000.5, 5000, 70000, 80000};
  REQUIRE(to_json(epoch_from_json(to_json(epoch))) == to_json(epoch));
}

TEST_CASE("lines are cut from a file as a whole") {
  const test::TemporaryFolder place;
  AppendFile file(place.path() / "lines");
  REQUIRE(file.empty());
  for (const char* line : {"a", "b", "c"}) file.line(line);
  file.cut([](std::string_view line) { return line != "b"; });
  file.line("d");
  REQUIRE(read_text(place.path() / "lines", ErrorKind::bug) == "a\nc\nd\n");
}

TEST_CASE("a full disk is a run_folder error") {
  if (!fs::exists("/dev/full")) SCNN_SKIP("no /dev/full here");
  const test::TemporaryFolder place;
  const RunFolder folder = folder_at(place.path() / "run");
  fs::create_symlink("/dev/full", folder.file("bits.jsonl"));
  RunRecorder recorder(folder, LoggingOptions{});
  try {
    recorder.on_epoch({}, {});
    FAIL("nothing thrown");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::run_folder);
    REQUIRE(std::string(error.what()).find("bits.jsonl") != std::string::npos);
    REQUIRE(std::string(error.what()).find("No space left") != std::string::npos);
  }
}

TEST_CASE("several observers hear everything, and any may stop") {
  struct Counter : TrainObserver {
    int calls = 0;
    bool stop = false;
    void on_start(std::int64_t, std::int64_t) override { ++calls; }
    void on_step(const StepRecord&) override { ++calls; }
    void on_removal(const RemovalRecord&) override { ++calls; }
    void on_epoch(const EpochRecord&, const std::vector<LayerStatus>&) override { ++calls; }
    void on_checkpoint(const std::string&) override { ++calls; }
    bool should_stop() override { return stop; }
  };
  Counter a, b;
  Observers both;
  both.add(a);
  both.add(b);
  test::play(both, 2);
  both.on_checkpoint("x");
  REQUIRE(a.calls == 1 + 20 + 1 + 2 + 1);
  REQUIRE(b.calls == a.calls);
  REQUIRE_FALSE(both.should_stop());
  b.stop = true;
  REQUIRE(both.should_stop());
}
