#include "scnn/train/checkpoint.h"

#include "catch.h"
#include "core/file.h"
#include "training.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

namespace {

TrainObserver& nobody() {
  static TrainObserver observer;
  return observer;
}

}  // namespace

TEST_CASE("a checkpoint gives back every tensor, channel set and text") {
  TrainerOptions options = small_options();
  options.train.epochs = 4;
  Run run(options, nobody());
  REQUIRE(run.trainer->run());
  REQUIRE(run.graph.macs() < Graph(Run::network().spec(), *run.backend).macs());
  const TemporaryFolder folder;
  const auto path = CheckpointFolder(folder.path()).save(capture(run.graph, "name: x\n", "{}"), 3, 2);
  const Checkpoint back = read_checkpoint(path);
  CHECK(back.file.metadata.at("config") == "name: x\n");

  Run fresh(options, nobody());
  restore(back, fresh.graph);
  CHECK(fresh.values() == run.values());
  const Tensor x = random_tensor({4, 8, 8, 1}, 1);
  CHECK(host_values(*run.backend, fresh.graph.forward(x, Pass{})) ==
        host_values(*run.backend, run.graph.forward(x, Pass{})));
}

TEST_CASE("without its index a folder of checkpoints is searched") {
  Run run(small_options(), nobody());
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  std::vector<std::string> warnings;
  CHECK_FALSE(checkpoints.newest(warnings).has_value());
  CHECK(warnings.empty());
  for (const std::int64_t step : {5, 10}) {
    checkpoints.save(capture(run.graph, "name: x\n", std::to_string(step)), step, 2);
  }
  std::filesystem::remove(folder / "index.json");
  const auto newest = checkpoints.newest(warnings);
  REQUIRE(newest.has_value());
  CHECK(newest->file.metadata.at("state") == "10");
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Matchers::Contains("index.json is missing"));
  CHECK_FALSE(CheckpointFolder(folder / "absent").newest(warnings).has_value());
}

TEST_CASE("only the newest checkpoints are kept, and a damaged one gives way to the one before it") {
  Run run(small_options(), nobody());
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  for (const std::int64_t step : {10, 20, 30}) {
    checkpoints.save(capture(run.graph, "name: x\n", std::to_string(step)), step, 2);
  }
  CHECK_FALSE(std::filesystem::exists(folder.path() / "step-10.safetensors"));
  std::vector<std::string> warnings;
  CHECK(checkpoints.newest(warnings)->file.metadata.at("state") == "30");

  std::vector<std::byte> bytes = read_file(folder.path() / "step-30.safetensors", ErrorKind::checkpoint);
  bytes.back() ^= std::byte{1};
  write_file(folder.path() / "step-30.safetensors", bytes);
  CHECK_THROWS_WITH(read_checkpoint(folder.path() / "step-30.safetensors"), Contains("does not match its hash"));
  CHECK(checkpoints.newest(warnings)->file.metadata.at("state") == "20");
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Contains("step-30.safetensors does not match its hash"));

  write_file(folder.path() / "index.json", "{");
  warnings.clear();
  CHECK(checkpoints.newest(warnings).has_value());
  CHECK_THAT(warnings[0], Contains("index.json is damaged"));
}

TEST_CASE("going on from an earlier checkpoint leaves the later ones behind, and so does a kill its leftovers") {
  Run run(small_options(), nobody());
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  const auto save = [&](std::int64_t step) {
    checkpoints.save(capture(run.graph, "name: x\n", std::to_string(step)), step, 5);
  };
  for (const std::int64_t step : {10, 20, 30}) save(step);
  write_file(folder.path() / "step-7.safetensors", "left by a kill before its removal");
  write_file(folder.path() / "step-12.safetensors.tmp", "left by a kill in its writing");
  write_file(folder.path() / "step-best.safetensors", "somebody's copy");
  save(15);
  std::vector<std::string> warnings;
  CHECK(checkpoints.newest(warnings)->file.metadata.at("state") == "15");
  CHECK(warnings.empty());
  for (const char* gone :
       {"step-7.safetensors", "step-12.safetensors.tmp", "step-20.safetensors", "step-30.safetensors"}) {
    CHECK_FALSE(std::filesystem::exists(folder.path() / gone));
  }
  CHECK(std::filesystem::exists(folder.path() / "step-best.safetensors"));
}

TEST_CASE("a checkpoint that does not fit its network names the tensor") {
  Run run(small_options(), nobody());
  Checkpoint checkpoint = capture(run.graph, "", "{}");
  checkpoint.path = "somewhere";
  const auto fails_with = [&](const Checkpoint& damaged, const std::string& text) {
    Run fresh(small_options(), nobody());
    CHECK_THROWS_WITH(restore(damaged, fresh.graph), Contains(text) && Contains("somewhere"));
  };
  Checkpoint damaged = checkpoint;
  damaged.file.tensors.erase("model.fc.bias");
  fails_with(damaged, "'model.fc.bias' is missing");
  damaged = checkpoint;
  damaged.file.tensors["model.fc.bias"] = Tensor::host({7});
  fails_with(damaged, "'model.fc.bias' is [7] and should be [4]");
  damaged = checkpoint;
  damaged.file.tensors["channels.conv1"] = Tensor::of({2}, std::vector<std::int32_t>{3, 3});
  fails_with(damaged, "'channels.conv1'");
}
