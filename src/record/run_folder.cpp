#include "record/run_folder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <system_error>

#include "core/clock.h"
#include "core/file.h"
#include "core/json_problem.h"
#include "record/records.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

std::string utc(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm fields = {};
  ::gmtime_r(&now, &fields);
  return fmt::format(fmt::runtime(std::string("{:") + format + "}"), fields);
}

std::string host_name() {
  struct utsname names = {};
  return ::uname(&names) == 0
             ? fmt::format("{} ({} {} {})", names.nodename, names.sysname, names.release, names.machine)
             : "unknown";
}

/// By the name alone: the kernel in brackets changes with an update, and a run cut off by that reboot goes on.
bool is_this_host(const std::string& host) {
  const std::string here = host_name();
  return host.substr(0, host.find(" (")) == here.substr(0, here.find(" ("));
}

[[noreturn]] void not_writable(const fs::path& path, const std::error_code& code) {
  throw Error(ErrorKind::run_folder, fmt::format("cannot make the folder {}: {}; choose another place with --out DIR",
                                                 path.string(), code.message()));
}

void make_folders(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) not_writable(path, code);
}

/// A new folder below `parent`; the id gets "-2", "-3", ... where two runs of one configuration start in one second.
std::string make_run_folder(const fs::path& parent, const std::string& id) {
  make_folders(parent);
  for (int attempt = 1; attempt < 1000; ++attempt) {
    const std::string name = attempt == 1 ? id : fmt::format("{}-{}", id, attempt);
    std::error_code code;
    if (fs::create_directory(parent / name, code)) return name;
    if (code && code != std::errc::file_exists) not_writable(parent / name, code);
  }
  throw Error(ErrorKind::run_folder, (parent / id).string() + " exists, and so do its 1000 successors");
}

std::string path_name(const Experiment& experiment) { return experiment.name.empty() ? "experiment" : experiment.name; }

RunState state_from(const std::string& text) {
  for (const RunState state : {RunState::running, RunState::done, RunState::stopped, RunState::failed}) {
    if (text == to_string(state)) return state;
  }
  throw Error(ErrorKind::checkpoint, "unknown state '" + text + "'");
}

RunInfo info_from(const Json& json) {
  RunInfo info;
  info.id = json.at("id");
  info.name = json.at("name");
  info.method = json.at("method");
  info.state = state_from(json.at("state"));
  info.exit_code = json.at("exit_code").is_null() ? 0 : json.at("exit_code").get<int>();
  info.message = json.at("message");
  info.command = json.at("command");
  info.version = json.at("version");
  info.host = json.at("host");
  info.device = json.at("device");
  info.libraries = json.at("libraries").get<std::map<std::string, std::string>>();
  info.seed = json.at("seed");
  info.process = json.at("process");
  info.started = json.at("started");
  info.ended = json.at("ended").is_null() ? "" : json.at("ended").get<std::string>();
  info.seconds = json.at("seconds");
  info.resumed = json.at("resumed");
  info.total_steps = json.value("total_steps", std::int64_t{0});
  if (const auto origin = json.find("origin"); origin != json.end() && !origin->is_null()) {
    info.origin = Origin{origin->at("run"), origin->at("checkpoint"), origin->at("step"), origin->at("changed")};
  }
  return info;
}

}  // namespace

bool locks_reach_everyone(const fs::path& path) {
  // ext2 to ext4, XFS, Btrfs, ZFS, F2FS, tmpfs, overlayfs: a host, its containers included, has them to itself.
  constexpr std::array<std::uint64_t, 7> local = {0xEF53,     0x58465342, 0x9123683E, 0x2FC12FC1,
                                                  0xF2F52010, 0x01021994, 0x794C7630};
  struct statfs status = {};
  return ::statfs(path.c_str(), &status) == 0 &&
         std::ranges::find(local, static_cast<std::uint64_t>(status.f_type) & 0xFFFFFFFFU) != local.end();
}

std::string utc_now() { return utc("%Y-%m-%dT%H:%M:%SZ"); }

const char* to_string(RunState state) {
  switch (state) {
    case RunState::running:
      return "running";
    case RunState::done:
      return "done";
    case RunState::stopped:
      return "stopped";
    case RunState::failed:
      return "failed";
  }
  return "unknown";
}

fs::path default_output_folder(const Experiment& experiment, const fs::path& root) {
  const std::uint64_t hash = hash64(std::as_bytes(std::span(experiment.yaml)));
  return root / path_name(experiment) / (utc("%Y%m%dT%H%M%SZ") + "-" + hex64(hash).substr(0, 4));
}

fs::path make_output_folder(const Experiment& experiment, const fs::path& out, const fs::path& root) {
  if (out.empty()) {
    const fs::path wanted = default_output_folder(experiment, root);
    return wanted.parent_path() / make_run_folder(wanted.parent_path(), wanted.filename().string());
  }
  std::error_code code;
  if (fs::exists(out, code) && !fs::is_directory(out, code)) {
    throw Error(ErrorKind::run_folder, out.string() + " is a file; --out needs a folder");
  }
  if (fs::is_directory(out, code) && !fs::is_empty(out, code)) {
    throw Error(
        ErrorKind::run_folder,
        RunFolder::is_run(out)
            ? fmt::format("{0} is not empty; choose another --out, or go on with it: scnn resume {0}", out.string())
            : fmt::format("{} is not empty and holds no run; choose another --out, or empty it", out.string()));
  }
  make_folders(out);
  return out;
}

void point_latest_at(const fs::path& folder) {
  std::error_code code;
  const fs::path link = folder.parent_path() / "latest";
  const fs::path temporary = folder.parent_path() / "latest.tmp";
  fs::remove(temporary, code);
  fs::create_directory_symlink(folder.filename(), temporary, code);
  if (!code) fs::rename(temporary, link, code);
}

RunFolder::RunFolder(fs::path path, RunInfo info)
    : path_(std::move(path)), info_(std::move(info)), began_(steady_seconds()) {}

RunFolder RunFolder::create(const Experiment& experiment, RunInfo info, const fs::path& out, const fs::path& root) {
  const fs::path path = make_output_folder(experiment, out, root);
  info.name = path_name(experiment);
  info.method = experiment.compression.type;
  info.seed = experiment.seed;
  info.host = host_name();
  info.process = ::getpid();
  info.started = utc_now();
  info.state = RunState::running;
  info.id = (path.has_filename() ? path : path.parent_path()).filename().string();
  if (out.empty()) point_latest_at(path);
  make_folders(path / "checkpoints");
  RunFolder folder(path, std::move(info));
  folder.lock();
  write_file(folder.file("config.yaml"), experiment.yaml);
  folder.save();
  return folder;
}

bool RunFolder::is_run(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path / "run.json", code);
}

RunFolder RunFolder::open(const fs::path& path) {
  std::error_code code;
  if (!fs::exists(path, code)) {
    throw Error(ErrorKind::usage, fmt::format("no run at {}: it does not exist", path.string()));
  }
  if (!is_run(path)) {
    throw Error(ErrorKind::usage, fmt::format("{} is not the folder of a run: it holds no run.json", path.string()));
  }
  // A link such as `latest` may move on while a resumed run trains.
  const fs::path real = fs::is_symlink(path, code) ? path.parent_path() / fs::read_symlink(path, code) : path;
  const fs::path file = real / "run.json";
  const std::string text = read_text(file, ErrorKind::checkpoint);
  try {
    return {real, info_from(Json::parse(text))};
  } catch (const std::exception& error) {
    throw Error(ErrorKind::checkpoint,
                fmt::format("{} is damaged: {}; the checkpoints beside it are still good: scnn eval "
                            "checkpoints/step-N.safetensors",
                            file.string(), json_problem(error)));
  }
}

void RunFolder::save() const {
  const bool running = info_.state == RunState::running;
  const Json json = {{"id", info_.id},
                     {"name", info_.name},
                     {"method", info_.method},
                     {"state", to_string(info_.state)},
                     {"exit_code", running ? Json(nullptr) : Json(info_.exit_code)},
                     {"message", info_.message},
                     {"command", info_.command},
                     {"version", info_.version},
                     {"host", info_.host},
                     {"device", info_.device},
                     {"libraries", info_.libraries},
                     {"seed", info_.seed},
                     {"process", info_.process},
                     {"started", info_.started},
                     {"ended", running ? Json(nullptr) : Json(info_.ended)},
                     {"seconds", info_.seconds},
                     {"resumed", info_.resumed},
                     {"total_steps", info_.total_steps},
                     {"origin", info_.origin ? Json{{"run", info_.origin->run},
                                                    {"checkpoint", info_.origin->checkpoint},
                                                    {"step", info_.origin->step},
                                                    {"changed", info_.origin->changed}}
                                             : Json(nullptr)}};
  write_file(file("run.json"), dump(json, 2) + "\n");
}

void RunFolder::begin_again(const std::string& version) {
  std::error_code code;  // what a kill left half written
  for (fs::directory_iterator file(path_, code), end; !code && file != end; file.increment(code)) {
    std::error_code kept;
    if (file->path().extension() == ".tmp") fs::remove(file->path(), kept);
  }
  info_.version = version;
  info_.host = host_name();
  info_.process = ::getpid();
  info_.state = RunState::running;
  info_.message.clear();
  ++info_.resumed;
  began_ = steady_seconds();
  save();
}

void RunFolder::set_device(const std::string& device) {
  info_.device = device;
  save();
}

void RunFolder::set_total_steps(std::int64_t steps) {
  info_.total_steps = steps;
  save();
}

void RunFolder::finish(RunState state, int exit_code, const std::string& message) {
  info_.state = state;
  info_.exit_code = exit_code;
  info_.message = message;
  info_.ended = utc_now();
  info_.seconds += steady_seconds() - began_;
  save();
}

bool RunFolder::abandoned() const {
  return info_.state == RunState::running && is_this_host(info_.host) && info_.process > 0 &&
         ::kill(static_cast<pid_t>(info_.process), 0) != 0 && errno == ESRCH;
}

void RunFolder::lock(bool take_over, bool lock_decides) {
  lock_ = lock_file(file(".lock"));
  if (!lock_) {
    throw Error(ErrorKind::usage, fmt::format("{} is at work: process {} on {}; stop it first", path_.string(),
                                              info_.process, info_.host));
  }
  if (info_.state == RunState::running && !is_this_host(info_.host) && !lock_decides && !take_over) {
    throw Error(ErrorKind::usage,
                fmt::format("{0} is running as process {1} on {2} by its run.json, and this file system may keep that "
                            "host's lock from this one; stop it first, or, if that process is dead: scnn resume {0} "
                            "--take-over",
                            path_.string(), info_.process, info_.host));
  }
}

}  // namespace scnn
