#include "scnn/run/run.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "fake_run.h"
#include "record/log.h"
#include "run/model_file.h"
#include "scnn/train/evaluate.h"

using namespace scnn;
namespace fs = std::filesystem;

namespace {

constexpr const char* tiny = R"(version: 1
name: tiny
seed: 1
device: {type: cpu, threads: 1}
data: {type: synthetic, train: 128, test: 32, height: 8, width: 8, classes: 3}
model:
  input: [1, 8, 8]
  layers:
    - {name: conv1, type: conv2d, out: 6, kernel: 3, stride: 2, padding: same, bias: false}
    - {name: bn1, type: batch_norm}
    - {type: relu}
    - {type: flatten}
    - {name: fc, type: linear, out: 3}
compression: {type: self_compress, gamma: 0.05}
train:
  epochs: 3
  batch_size: 32
  optimizer:
    type: adam
    groups: [{match: ["*.bits", "*.exponent"], lr: 0.5, eps: 0.001}]
checkpoint: {every: {steps: 2}, keep_last: 2}
)";

struct RunFixture {
  test::TemporaryFolder place;
  Experiment experiment;
  RunOptions options;

  RunFixture() {
    set_up_log(-1, false);
    write_file(place.path() / "tiny.yaml", tiny);
    experiment = load_experiment(place.path() / "tiny.yaml");
    options.out = place.path() / "run";
    options.command = "scnn run tiny.yaml";
  }
  ~RunFixture() { set_up_log(0, false); }  // closes log.txt before its folder goes
};

std::string without_times(const RunResult& result) {
  auto json = nlohmann::json::parse(result_json(result));
  json.erase("time");
  json.erase("run");
  return json.dump();
}

}  // namespace

TEST_CASE("a run stopped at any step goes on to the same result") {
  RunFixture f;
  std::ostringstream screen;
  f.options.screen = &screen;
  const RunResult straight = run_experiment(f.experiment, f.options);
  REQUIRE(straight.epoch_seconds.size() == 3);
  REQUIRE(straight.test.images == 32);
  REQUIRE(screen.str().find("epoch 3/3") != std::string::npos);
  const fs::path model = f.options.out / "model.scnn";
  const auto bytes = read_file(model, ErrorKind::bug);
  REQUIRE(straight.file_bytes == static_cast<std::int64_t>(bytes.size()));

  f.options.screen = nullptr;
  f.options.out = f.place.path() / "stopped";
  int steps = 0;
  f.options.should_stop = [&]() -> std::optional<StopRequest> {
    return ++steps == 5 ? std::optional(StopRequest{ErrorKind::stopped, "enough"}) : std::nullopt;
  };
  try {
    (void)run_experiment(f.experiment, f.options);
    FAIL("went on");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::stopped);
    REQUIRE(std::string(error.what()).find("enough; go on with: scnn resume ") == 0);
  }
  REQUIRE(RunFolder::open(f.options.out).info().state == RunState::stopped);
  // A run begun anew would come to the same result: what tells them apart is how many of the 12 steps are left.
  steps = 0;
  f.options.should_stop = [&]() -> std::optional<StopRequest> {
    ++steps;
    return std::nullopt;
  };
  const RunResult resumed = resume_run(f.options.out, {}, f.options);
  REQUIRE(steps <= 7);
  REQUIRE(without_times(resumed) == without_times(straight));
  REQUIRE(read_file(f.options.out / "model.scnn", ErrorKind::bug) == bytes);
}

TEST_CASE("a damaged config.yaml gives way to the copy in the newest checkpoint") {
  RunFixture f;
  int steps = 0;
  f.options.should_stop = [&]() -> std::optional<StopRequest> {
    return ++steps == 5 ? std::optional(StopRequest{ErrorKind::stopped, "enough"}) : std::nullopt;
  };
  REQUIRE_THROWS_AS(run_experiment(f.experiment, f.options), Error);
  f.options.should_stop = nullptr;
  const fs::path config = f.options.out / "config.yaml";
  const std::string whole = read_text(config, ErrorKind::bug);
  const std::string cut_short = whole.substr(0, whole.find("epochs:") + 3);
  for (const std::string& damage : {cut_short, std::string("\0\xff{", 3), std::string()}) {
    write_file(config, damage);
    const RunExperiment found = experiment_of_run(f.options.out);
    CHECK(found.experiment.yaml == whole);
    CHECK(found.warning.find("config.yaml is damaged: going by the copy in ") != std::string::npos);
  }
  fs::remove(config);
  CHECK(experiment_of_run(f.options.out).experiment.yaml == whole);

  write_file(config, "name: tiny\n");
  REQUIRE(resume_run(f.options.out, {}, f.options).epoch_seconds.size() == 3);
  CHECK(read_text(config, ErrorKind::bug) == whole);
  CHECK(read_text(f.options.out / "config.yaml.damaged", ErrorKind::bug) == "name: tiny\n");
  CHECK(experiment_of_run(f.options.out).warning.empty());
}

TEST_CASE("a run goes on with changed logging, but not with settings that train otherwise") {
  RunFixture f;
  int steps = 0;
  f.options.should_stop = [&]() -> std::optional<StopRequest> {
    return ++steps == 5 ? std::optional(StopRequest{ErrorKind::stopped, "enough"}) : std::nullopt;
  };
  REQUIRE_THROWS_AS(run_experiment(f.experiment, f.options), Error);
  f.options.should_stop = nullptr;
  const fs::path config = f.options.out / "config.yaml";
  const std::string whole = read_text(config, ErrorKind::bug);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    REQUIRE(text.find(from) != std::string::npos);
    write_file(config, text.replace(text.find(from), from.size(), to));
  };
  changed("gamma: 0.05", "gamma: 0.5");
  try {
    (void)resume_run(f.options.out, {}, f.options);
    FAIL("went on");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::experiment);
    CHECK(std::string(error.what()).find(":\n  compression.gamma: 0.05 -> 0.5\na resumed") != std::string::npos);
    CHECK(std::string(error.what()).find("--fork DIR") != std::string::npos);
  }
  CHECK(RunFolder::open(f.options.out).info().state == RunState::stopped);
  changed("keep_last: 2", "keep_last: 7");
  CHECK(resume_run(f.options.out, {}, f.options).epoch_seconds.size() == 3);
}

TEST_CASE("a damaged config.yaml without a checkpoint names the remedy") {
  RunFixture f;
  const RunFolder folder = RunFolder::create(f.experiment, {}, f.options.out);
  write_file(folder.file("config.yaml"), "nonsense\n");
  try {
    (void)experiment_of_run(folder.path());
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::checkpoint);
    CHECK(std::string(error.what()).find("start anew from the experiment's own file") != std::string::npos);
  }
}

TEST_CASE("a run that is running is left alone") {
  RunFixture f;
  const RunFolder folder = RunFolder::create(f.experiment, {}, f.options.out);
  try {
    (void)resume_run(folder.path(), {}, f.options);
    FAIL("two processes in one folder");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::usage);
  }
}

TEST_CASE("a checkpoint and the file made of it compute the same") {
  RunFixture f;
  const RunResult result = run_experiment(f.experiment, f.options);
  const ModelFile packed = open_model(f.options.out);
  const ModelFile checkpoint = open_model(f.options.out, true);
  REQUIRE(packed.kind == ModelKind::packed);
  REQUIRE(checkpoint.kind == ModelKind::checkpoint);
  REQUIRE(checkpoint.experiment->yaml == f.experiment.yaml);
  REQUIRE(packed.experiment->name == "tiny");
  const auto backend = make_backend(f.experiment.device);
  const Dataset data = load_dataset(f.experiment.data, f.experiment.seed);
  const RestoredModel restored = restore_model(checkpoint, *backend);
  const Metrics direct = evaluate(*restored.graph, data.test, data.normalization);
  REQUIRE(direct.loss == Approx(result.test.loss).epsilon(1e-4));
  const auto layers = restored.meter.layers(*restored.graph);
  REQUIRE(restored.meter.total(*restored.graph, layers).learned_bits == Approx(result.size.learned_bits));
  REQUIRE(encode(pack(*restored.graph, "tiny", data, f.experiment.exporting)) ==
          read_file(packed.path, ErrorKind::bug));
}

TEST_CASE("models that are not there, or no models, are told apart") {
  const test::TemporaryFolder place;
  const auto kind = [](const fs::path& path) {
    try {
      (void)open_model(path);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::bug;
  };
  REQUIRE(kind(place.path() / "absent") == ErrorKind::usage);
  REQUIRE(kind(place.path()) == ErrorKind::usage);
  write_file(place.path() / "x.scnn", "no model");
  REQUIRE(kind(place.path() / "x.scnn") == ErrorKind::checkpoint);
  write_file(place.path() / "x.safetensors", "no checkpoint");
  REQUIRE(kind(place.path() / "x.safetensors") == ErrorKind::checkpoint);
  const RunFolder empty = RunFolder::create(test::fake_experiment(), {}, place.path() / "run");
  REQUIRE(kind(empty.path()) == ErrorKind::usage);
}

TEST_CASE("a network that does not fit its data is refused before anything is written") {
  RunFixture f;
  const fs::path wide = f.place.path() / "wide.yaml";
  write_file(wide, std::string(tiny));
  f.experiment = load_experiment(wide, std::vector<std::string>{"model.layers.fc.out=7"});
  try {
    (void)run_experiment(f.experiment, f.options);
    FAIL("accepted");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::experiment);
    REQUIRE(std::string(error.what()).find("'fc' makes 7 logits") != std::string::npos);
  }
  REQUIRE_FALSE(fs::exists(f.options.out));
}
