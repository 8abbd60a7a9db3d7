#include "measure/profile.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "experiment_files.h"

namespace scnn::test {
namespace {

using Json = nlohmann::json;

const std::string profiled =
    "name: small\n"
    "seed: 1\n"
    "device: {type: cpu, threads: 1}\n"
    "data: {type: synthetic, train: 256, test: 64, height: 12, width: 12, classes: 3, validation: {fraction: 0.125}}\n"
    "model:\n"
    "  input: [1, 12, 12]\n"
    "  layers:\n"
    "    - {name: conv1, type: conv2d, out: 8, kernel: 3, stride: 2, padding: same, bias: false}\n"
    "    - {name: bn1, type: batch_norm}\n"
    "    - {type: flatten}\n"
    "    - {name: fc, type: linear, out: 3}\n"
    "train: {epochs: 2, batch_size: 32, optimizer: {type: adam, lr: 0.003}}\n";

Profile measure(std::int64_t warmup, std::int64_t steps, const std::filesystem::path& folder = {}) {
  const Experiment experiment = load(profiled);
  RunComponents parts = prepare(experiment);
  ProfileOptions options;
  options.warmup = warmup;
  options.steps = steps;
  options.folder = folder;
  return profile_experiment(experiment, parts, options);
}

/// A profile made up: two steps of 3 ms, each 1 ms forward in conv1 and 2 ms backward of which conv1 has 1.5.
Profile made_up() {
  Profile profile;
  profile.name = "a \"name\"";
  profile.description = "paper";
  profile.device = "cpu";
  profile.warmup = 1;
  profile.steps = 2;
  profile.batch_size = 30;
  profile.layers = {{"input", "input", "", "", 0, 0}, {"conv1", "conv2d", "", "", 9, 9}};
  profile.times.places = {{"epoch", -1},  {"step", 0},           {"forward", 1}, {"forward/conv1", 2}, {"backward", 1},
                          {"removal", 0}, {"backward/conv1", 4}, {"forward", 5}, {"forward/conv1", 7}};
  for (const std::int64_t at : {0, 3000000}) {
    const auto add = [&](int place, std::int64_t begin, std::int64_t end) {
      if (at > 0 && place == 0) return;
      profile.times.events.push_back({place, at + begin, at + end});
    };
    add(0, 0, 7000000);
    add(1, 0, 3000000);
    add(2, 0, 1000000);
    add(3, 0, 1000000);
    add(4, 1000000, 3000000);
    add(6, 1000000, 2500000);
  }
  profile.times.events.push_back({5, 6000000, 6500001});
  profile.times.events.push_back({7, 6000000, 6400000});
  profile.times.events.push_back({8, 6000000, 6300000});
  return profile;
}

}  // namespace

TEST_CASE("a profile has the steps asked for and what falls due after them", "[profile]") {
  const TemporaryFolder folder;
  // 7 steps an epoch: steps 5 to 10 hold the first epoch's end.
  const Profile profile = measure(4, 6, folder.path());
  const Json json = Json::parse(profile_json(profile, "here"));
  std::map<std::string, std::int64_t> calls;
  for (const Json& range : json["ranges"]) {
    std::string path;
    for (const Json& name : range["path"]) path += (path.empty() ? "" : " > ") + name.get<std::string>();
    calls[path] = range["calls"];
  }
  CHECK(calls["epoch"] == 2);
  CHECK(calls["epoch > step"] == 6);
  CHECK(calls["epoch > step > batch wait"] == 6);
  CHECK(calls["epoch > step > forward > forward/conv1"] == 6);
  CHECK(calls["epoch > step > backward > backward/fc"] == 6);
  for (const char* once : {"removal", "statistics", "evaluation", "checkpoint"}) {
    INFO(once);
    CHECK(calls[std::string("epoch > ") + once] == 1);
  }
  REQUIRE(profile.untimed_ms_per_step.has_value());
  CHECK(*profile.untimed_ms_per_step > 0);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_FALSE(measure(0, 14).untimed_ms_per_step);  // to the very end of the experiment
}

TEST_CASE("more steps than the experiment has, and a stop on request, are errors of their kind", "[profile]") {
  const auto kind = [](std::int64_t warmup, std::int64_t steps, const ProfileOptions& base) {
    const Experiment experiment = load(profiled);
    RunComponents parts = prepare(experiment);
    ProfileOptions options = base;
    options.warmup = warmup;
    options.steps = steps;
    try {
      (void)profile_experiment(experiment, parts, options);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::check;
  };
  CHECK(kind(10, 5, {}) == ErrorKind::usage);
  CHECK(kind(std::int64_t{1} << 40, 1, {}) == ErrorKind::usage);
  CHECK(kind(10, 4, {}) == ErrorKind::check);  // no error
  ProfileOptions stopped;
  stopped.should_stop = [] { return StopRequest{ErrorKind::interrupted, "interrupted"}; };
  CHECK(kind(1, 4, stopped) == ErrorKind::interrupted);
}

TEST_CASE("the numbers of a profile are those of its ranges", "[profile]") {
  const Profile profile = made_up();
  const Json json = Json::parse(profile_json(profile, "here"));
  CHECK(json["profile"] == "here");
  CHECK(json["ms_per_step"] == Approx(3.0));
  CHECK(json["images_per_second"] == Approx(10000));
  CHECK(json["untimed_ms_per_step"].is_null());
  std::vector<std::string> names;
  for (const Json& range : json["ranges"]) names.push_back(range["name"]);
  CHECK(names == std::vector<std::string>{"epoch", "step", "forward", "forward/conv1", "backward", "backward/conv1",
                                          "removal", "forward", "forward/conv1"});
  const Json& backward = json["ranges"][4];
  CHECK(backward["total_ms"] == Approx(4.0));
  CHECK(backward["self_ms"] == Approx(1.0));
  CHECK(backward["percent_of_step"] == Approx(200.0 / 3));
  const Json& removal = json["ranges"][6];
  CHECK(removal["ms_per_step"] == Approx(0.25));
  CHECK(removal["percent_of_step"].is_null());
  // conv1's forward in the removal is not part of a step.
  const Json& layer = json["layers"][1];
  CHECK(layer["forward_ms_per_step"] == Approx(1.0));
  CHECK(layer["backward_ms_per_step"] == Approx(1.5));
  CHECK(layer["percent_of_step"] == Approx(250.0 / 3));

  const std::string table = profile_table(profile);
  CHECK(contains(table, "a step took 3.000 ms, 10,000 images a second\n"));
  CHECK(contains(table, "    backward      2     4.000    1.000    2.000       66.7"));
  CHECK(contains(table, "conv1  conv2d            1.000             1.500  2.500       83.3"));
  CHECK(count(table, "input") == 0);
}

TEST_CASE("a trace is JSON that nests, in order, with every range under its name", "[profile]") {
  for (const Profile& profile : {made_up(), measure(2, 6)}) {
    const Json json = Json::parse(trace_json(profile.name, profile.times));
    const Json& all = json["traceEvents"];
    CHECK(all[0]["args"]["name"] == "scnn " + profile.name);
    REQUIRE(all.size() == profile.times.events.size() + 1);
    std::vector<double> ends;  // of the events around, the innermost last
    double last = 0;
    std::map<std::string, std::int64_t> calls;
    for (std::size_t i = 1; i < all.size(); ++i) {
      const Json& event = all[i];
      REQUIRE(event["ph"] == "X");
      const double begin = event["ts"];
      const double end = begin + event["dur"].get<double>();
      CHECK(begin >= last);
      last = begin;
      while (!ends.empty() && ends.back() <= begin + 1e-6) ends.pop_back();
      if (!ends.empty()) CHECK(end <= ends.back() + 1e-6);
      ends.push_back(end);
      ++calls[event["name"]];
    }
    CHECK(calls["step"] == profile.steps);
    CHECK(calls["backward/conv1"] == profile.steps);
    CHECK(calls["forward/conv1"] >= profile.steps);
  }
}

}  // namespace scnn::test
