#include "record/run_folder.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "fake_run.h"

using namespace scnn;
namespace fs = std::filesystem;

namespace {

ErrorKind kind_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no Error");
  return ErrorKind::bug;
}

}  // namespace

TEST_CASE("a run has a folder of its own and `latest` points at the newest") {
  const test::TemporaryFolder place;
  const Experiment experiment = test::fake_experiment();
  const RunFolder first = RunFolder::create(experiment, {}, "", place.path());
  const RunFolder second = RunFolder::create(experiment, {}, "", place.path());
  REQUIRE(first.path() != second.path());
  REQUIRE(fs::read_symlink(place.path() / "fake" / "latest") == second.info().id);
  // UTC time, then 4 digits of the configuration's hash: another configuration, other digits.
  const std::string id = first.info().id;
  REQUIRE(id.size() == 21);
  REQUIRE(id[8] == 'T');
  REQUIRE(id.substr(15, 2) == "Z-");
  const std::string hash = hex64(hash64(std::as_bytes(std::span(experiment.yaml))));
  REQUIRE(id.substr(17) == hash.substr(0, 4));
  REQUIRE(read_text(first.file("config.yaml"), ErrorKind::bug) == experiment.yaml);
  REQUIRE(fs::is_directory(first.checkpoints()));
  REQUIRE(RunFolder::open(place.path() / "fake" / "latest").path() == second.path());
}

TEST_CASE("--out is the run folder itself and must be missing or empty") {
  const test::TemporaryFolder place;
  const fs::path out = place.path() / "a" / "b";
  REQUIRE(RunFolder::create(test::fake_experiment(), {}, out).path() == out);
  REQUIRE(RunFolder::is_run(out));
  REQUIRE(kind_of([&] { (void)RunFolder::create(test::fake_experiment(), {}, out); }) == ErrorKind::run_folder);
  write_file(place.path() / "file", "x");
  REQUIRE(kind_of([&] { (void)RunFolder::create(test::fake_experiment(), {}, place.path() / "file"); }) ==
          ErrorKind::run_folder);
  REQUIRE(kind_of([&] { (void)RunFolder::create(test::fake_experiment(), {}, place.path() / "file" / "below"); }) ==
          ErrorKind::run_folder);
}

TEST_CASE("run.json keeps what happened to a run") {
  const test::TemporaryFolder place;
  RunInfo info;
  info.command = "scnn run x.yaml";
  info.libraries = {{"zlib", "1.2"}};
  RunFolder folder = RunFolder::create(test::fake_experiment(), info, place.path() / "run");
  REQUIRE(RunFolder::open(folder.path()).info().state == RunState::running);
  folder.finish(RunState::stopped, 75, "time is up");
  RunFolder again = RunFolder::open(folder.path());
  REQUIRE(again.info().state == RunState::stopped);
  REQUIRE(again.info().exit_code == 75);
  REQUIRE(again.info().message == "time is up");
  REQUIRE(again.info().libraries.at("zlib") == "1.2");
  REQUIRE(again.info().seed == 3);
  write_file(again.file("epochs.csv.tmp"), "half");  // as a kill leaves it
  again.begin_again("0.2.0");
  REQUIRE_FALSE(fs::exists(again.file("epochs.csv.tmp")));
  const auto json = nlohmann::json::parse(read_text(folder.file("run.json"), ErrorKind::bug));
  REQUIRE(json["state"] == "running");
  REQUIRE(json["exit_code"].is_null());
  REQUIRE(json["resumed"] == 1);
  REQUIRE(json["command"] == "scnn run x.yaml");
  REQUIRE(json["process"] == ::getpid());
}

TEST_CASE("one process at a time works on a run, and one that was cut off can go on") {
  const test::TemporaryFolder place;
  const std::filesystem::path path = place.path() / "run";
  {
    const RunFolder working = RunFolder::create(test::fake_experiment(), {}, path);
    RunFolder second = RunFolder::open(path);
    REQUIRE(kind_of([&] { second.lock(); }) == ErrorKind::usage);
  }
  RunFolder::open(path).lock();  // run.json still says running, but nobody has the folder
  auto json = nlohmann::json::parse(read_text(path / "run.json", ErrorKind::bug));
  REQUIRE_FALSE(RunFolder::open(path).abandoned());
  json["process"] = 2147483000;  // above every system's limit of process numbers
  write_file(path / "run.json", json.dump());
  REQUIRE(RunFolder::open(path).abandoned());
  const std::string host = json["host"];
  json["host"] = host.substr(0, host.find(" (")) + " (another kernel)";
  write_file(path / "run.json", json.dump());
  REQUIRE(RunFolder::open(path).abandoned());
  RunFolder::open(path).lock();
  json["host"] = "elsewhere";
  write_file(path / "run.json", json.dump());
  // Where a lock tells of every process, the host's name counts for nothing; elsewhere a person has to say.
  RunFolder::open(path).lock(false, true);
  REQUIRE(kind_of([&] { RunFolder::open(path).lock(false, false); }) == ErrorKind::usage);
  RunFolder::open(path).lock(true, false);
  {
    RunFolder holder = RunFolder::open(path);
    holder.lock(true, false);
    REQUIRE(kind_of([&] { RunFolder::open(path).lock(true, true); }) == ErrorKind::usage);
  }
  REQUIRE_FALSE(locks_reach_everyone("/proc"));
  REQUIRE_FALSE(locks_reach_everyone(place.path() / "none"));
}

TEST_CASE("opening what is no run, or a damaged one, says so") {
  const test::TemporaryFolder place;
  REQUIRE(kind_of([&] { (void)RunFolder::open(place.path() / "none"); }) == ErrorKind::usage);
  REQUIRE(kind_of([&] { (void)RunFolder::open(place.path()); }) == ErrorKind::usage);
  write_file(place.path() / "run.json", "{\"id\": \"x\"");
  REQUIRE(kind_of([&] { (void)RunFolder::open(place.path()); }) == ErrorKind::checkpoint);
  write_file(place.path() / "run.json", "{}");
  REQUIRE(kind_of([&] { (void)RunFolder::open(place.path()); }) == ErrorKind::checkpoint);
}
