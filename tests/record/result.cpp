#include "scnn/record/result.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "fake_run.h"

using namespace scnn;

namespace {

RunResult example_result() {
  RunResult r;
  r.run = "runs/a/b";
  r.device = "cpu";
  r.seed = 7;
  r.test = {0.25, 0.912, 10000};
  r.size.original_weights = 1000;
  r.size.live_weights = 400;
  r.size.learned_bits = 1600;
  r.size.packed_bits = 1800;
  r.file_bytes = 400;
  r.epoch_seconds = {2.0, 1.0};
  r.train_seconds = 3.0;
  r.eval_seconds = 0.5;
  r.removals = {{2, 20, "conv1", 3, 1e-7}};
  r.recordings = 4;
  r.entropy_bits = 1500;
  r.export_diff = 5e-4;
  r.peak_device_bytes = 123456;
  return r;
}

}  // namespace

TEST_CASE("result.json has the documented shape") {
  const auto json = nlohmann::ordered_json::parse(result_json(example_result()));
  const auto expected = nlohmann::ordered_json::parse(R"({
    "run": "runs/a/b", "device": "cpu", "seed": 7, "test": {"top1": 0.912, "loss": 0.25},
    "size": {"original_weights": 1000, "live_weights": 400, "learned_bits": 1600.0, "packed_bits": 1800,
             "entropy_bits": 1500, "file_bytes": 400, "learned_percent": 5.0, "file_percent": 10.0},
    "export": {"max_diff": 0.0005},
    "time": {"train_seconds": 3.0, "epoch_seconds": [2.0, 1.0], "eval_seconds": 0.5},
    "gpu": {"recordings": 4, "peak_bytes": 123456},
    "removals": [{"epoch": 2, "layer": "conv1", "channels": 3, "max_diff": 1e-07}]})");
  REQUIRE(json == expected);
}

TEST_CASE("result.json reads back, and damage is named") {
  const test::TemporaryFolder place;
  const auto path = place.path() / "result.json";
  write_file(path, result_json(example_result()));
  const RunResult back = read_result(path);
  REQUIRE(back.entropy_bits == 1500);
  REQUIRE(back.export_diff == 5e-4);
  REQUIRE(result_json(back) == result_json(example_result()));
  REQUIRE(back.test.top1 == 0.912);
  write_file(path, "{\"run\": \"x\"}");
  REQUIRE_THROWS_AS(read_result(path), Error);
}

TEST_CASE("expectations compare") {
  REQUIRE(Expectation("top1>=0.93").met_by(0.93));
  REQUIRE_FALSE(Expectation("top1 >= 0.93").met_by(0.92));
  REQUIRE(Expectation("loss<0.5").met_by(0.4));
  REQUIRE_FALSE(Expectation("loss<0.5").met_by(0.5));
  REQUIRE(Expectation("file_bytes<=20000").met_by(20000));
  REQUIRE_FALSE(Expectation("file_bytes>20000").met_by(20000));
  REQUIRE(Expectation("file_bytes<=20000").metric() == "file_bytes");
  REQUIRE_FALSE(Expectation("top1>=0.93").met_by(std::nan("")));
  for (const char* bad : {"", "top1", "top1>=", "top1=0.9", "top1==0.9", "acc>=0.9", "top1>=0.9x", ">=0.9"}) {
    INFO(bad);
    try {
      const Expectation made(bad);
      FAIL("accepted");
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::usage);
    }
  }
}
