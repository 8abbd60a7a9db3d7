#include "sweep/folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <system_error>

#include "core/file.h"
#include "core/json_problem.h"
#include "record/records.h"
#include "record/run_folder.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

constexpr const char* plan_name = "plan.json";

/// Two shards differ in the threads they would choose; the plan that came first decides.
std::string without_threads(SweepPlan plan) {
  plan.threads = 0;
  return plan_json(plan);
}

/// Whether a folder holds more than plans that other shards are about to write.
bool holds_more(const fs::path& folder) {
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) {
    if (!at->path().filename().string().starts_with(plan_name)) return true;
  }
  return false;
}

fs::path join_or_make(const SweepPlan& plan, const fs::path& out) {
  std::error_code code;
  if (!is_sweep(out)) {
    const bool more = holds_more(out);
    // Asked again: another shard may have come between.
    if (!is_sweep(out)) {
      fs::create_directories(out, code);
      if (code || more) return make_output_folder(Experiment{}, out, "");  // refuses with the reason
      write_shared(out / plan_name, plan_json(plan));
    }
  }
  fs::path folder = out;
  if (without_threads(open_sweep(folder)) != without_threads(plan)) {
    throw Error(ErrorKind::run_folder, fmt::format("{} holds another sweep; choose another --out", out.string()));
  }
  return folder;
}

SweepPlan plan_from(const Json& json, const fs::path& file) {
  SweepPlan plan;
  plan.name = json.at("name");
  plan.keys = json.at("keys").get<std::vector<std::string>>();
  plan.repeated = json.at("repeated");
  plan.threads = json.at("threads");
  for (const Json& one : json.at("points")) {
    SweepPoint point;
    point.baseline = one.at("baseline");
    point.values = one.at("values").get<std::vector<std::string>>();
    for (const Json& run : one.at("runs")) {
      const std::string name = run.at("name");
      point.runs.push_back(
          {name, parse_experiment(run.at("settings").get<std::string>(), file.string() + " run " + name)});
    }
    if (point.values.size() != plan.keys.size() || point.runs.empty())
      throw std::runtime_error("a point is incomplete");
    plan.points.push_back(std::move(point));
  }
  if (plan.points.empty()) throw std::runtime_error("no points");
  return plan;
}

}  // namespace

void write_shared(const fs::path& path, std::string_view content) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const fs::path temporary = fmt::format("{}.{}-{}", path.string(), host.data(), ::getpid());
  write_file(temporary, content);
  std::error_code code;
  fs::rename(temporary, path, code);
  if (code) {
    throw Error(ErrorKind::run_folder, fmt::format("cannot write {}: {}", path.string(), code.message()));
  }
}

std::string plan_json(const SweepPlan& plan) {
  Json json = {{"name", plan.name},
               {"keys", plan.keys},
               {"repeated", plan.repeated},
               {"threads", plan.threads},
               {"points", Json::array()}};
  for (const SweepPoint& point : plan.points) {
    Json runs = Json::array();
    for (const SweepRun& run : point.runs) runs.push_back({{"name", run.name}, {"settings", run.experiment.yaml}});
    json["points"].push_back({{"baseline", point.baseline}, {"values", point.values}, {"runs", runs}});
  }
  return dump(json, 2) + "\n";
}

fs::path run_path(const fs::path& folder, const std::string& run) { return folder / "runs" / run; }

bool is_sweep(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path / plan_name, code);
}

fs::path make_sweep(const SweepPlan& plan, const fs::path& out, bool join) {
  if (join) return join_or_make(plan, out);
  if (is_sweep(out)) {
    throw Error(ErrorKind::run_folder,
                fmt::format("{0} holds a sweep; choose another --out, or go on with it: scnn sweep --resume {0}",
                            out.string()));
  }
  Experiment named;
  named.name = plan.name;
  named.yaml = plan_json(plan);
  const fs::path folder = make_output_folder(named, out, "sweeps");
  write_shared(folder / plan_name, named.yaml);
  if (out.empty()) point_latest_at(folder);
  return folder;
}

SweepPlan open_sweep(fs::path& folder) {
  std::error_code code;
  if (!is_sweep(folder)) {
    throw Error(ErrorKind::usage,
                fs::exists(folder, code)
                    ? fmt::format("{} is not the folder of a sweep: it holds no {}", folder.string(), plan_name)
                    : fmt::format("no sweep at {}: it does not exist", folder.string()));
  }
  if (fs::is_symlink(folder, code)) folder = folder.parent_path() / fs::read_symlink(folder, code);
  const fs::path file = folder / plan_name;
  const std::string text = read_text(file, ErrorKind::checkpoint);
  try {
    return plan_from(Json::parse(text), file);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::checkpoint,
                fmt::format("{} is damaged: {}; its finished runs are still good (scnn report {}/runs/*/)",
                            file.string(), json_problem(error), folder.string()));
  }
}

SweepRunStatus sweep_run_status(const fs::path& folder, const std::string& run) {
  using State = SweepRunStatus::State;
  const fs::path path = run_path(folder, run);
  SweepRunStatus status;
  if (!RunFolder::is_run(path)) return status;
  try {
    const RunInfo info = RunFolder::open(path).info();
    status.state = info.state == RunState::failed ? State::failed : State::partial;
    status.exit_code = info.exit_code;
    status.message = info.message;
    if (info.state != RunState::done) return status;
    status.result = read_result(path / "result.json");
    status.state = State::done;
  } catch (const Error& error) {
    // A damaged result is written again; a damaged run.json is for people to look at.
    if (status.state == State::waiting) status = {State::failed, error.exit_code(), error.what(), std::nullopt};
  }
  return status;
}

}  // namespace scnn
