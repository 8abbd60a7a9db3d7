#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "scnn/settings/experiment.h"

namespace scnn {

enum class RunState { running, done, stopped, failed };

[[nodiscard]] const char* to_string(RunState state);

/// Where a run that began with another's checkpoint came from.
struct Origin {
  std::string run, checkpoint;       ///< its folder, and a file name there in checkpoints/
  std::int64_t step = 0;             ///< of the checkpoint
  std::vector<std::string> changed;  ///< settings that differ, "train.epochs: 6 -> 12"
};

/// What run.json holds.  Times are UTC, ISO 8601.
struct RunInfo {
  std::string id;      ///< name of the folder
  std::string name;    ///< of the experiment
  std::string method;  ///< compression.type
  RunState state = RunState::running;
  int exit_code = 0;    ///< of the last attempt; meaningless while running
  std::string message;  ///< why it failed or stopped
  std::string command, version, host, device;
  std::map<std::string, std::string> libraries;  ///< name -> version
  std::uint64_t seed = 0;
  std::int64_t process = 0;
  std::string started, ended;
  double seconds = 0;            ///< of all attempts that ended in an orderly way
  std::int64_t resumed = 0;      ///< how often
  std::int64_t total_steps = 0;  ///< of the whole training; 0: not known yet
  std::optional<Origin> origin;
};

/// <root>/<name>/<UTC time>-<4 hex digits of the configuration's hash>: where output goes without --out.
[[nodiscard]] std::filesystem::path default_output_folder(const Experiment& experiment,
                                                          const std::filesystem::path& root);
/// Makes that folder, its name with "-2" where it is taken, or exactly `out`, which must be missing or empty.
/// Error(run_folder).
[[nodiscard]] std::filesystem::path make_output_folder(const Experiment& experiment, const std::filesystem::path& out,
                                                       const std::filesystem::path& root);
/// Whether whoever can write at `path` sees a lock there: on a local file system, not (for sure) on one of the network.
[[nodiscard]] bool locks_reach_everyone(const std::filesystem::path& path);
/// Points the link `latest` beside `folder` at it.  A file system without links loses only this convenience.
void point_latest_at(const std::filesystem::path& folder);

/// The folder of one run (interface: README of src/experiment).  Survives a kill at any moment.  One process at a time
/// writes: `create` and `lock` take the folder for as long as the object lives.
class RunFolder {
 public:
  /// Makes runs/<name>/<UTC time>-<4 hex digits of the configuration's hash>/ below `root` and points
  /// `root`/<name>/latest at it; or, with `out`, exactly that folder, which must be missing or empty.  Writes
  /// config.yaml and run.json.  Error(run_folder).
  [[nodiscard]] static RunFolder create(const Experiment& experiment, RunInfo info, const std::filesystem::path& out,
                                        const std::filesystem::path& root = "runs");
  /// An existing run, or a link to one.  Error(usage) where `path` is none, Error(checkpoint) where run.json is
  /// damaged.
  [[nodiscard]] static RunFolder open(const std::filesystem::path& path);
  /// Whether `path` is a folder with a run.json.
  [[nodiscard]] static bool is_run(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path file(std::string_view name) const { return path_ / name; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  [[nodiscard]] const RunInfo& info() const noexcept { return info_; }

  /// Takes the folder for writing.  Error(usage) where a process is at work on it: one that holds its lock, or, where
  /// locks do not reach everyone, one of another host by run.json, unless `take_over` says that it is dead.
  void lock(bool take_over = false) { lock(take_over, locks_reach_everyone(path_)); }
  void lock(bool take_over, bool lock_decides);
  /// Notes a new attempt at an existing run, which keeps the command that it began with.
  void begin_again(const std::string& version);
  void set_device(const std::string& device);
  void set_total_steps(std::int64_t steps);
  /// Ends the attempt: state, exit code, times.
  void finish(RunState state, int exit_code, const std::string& message = "");
  /// Whether run.json says running but its process is gone from this host: killed, or the power failed.
  [[nodiscard]] bool abandoned() const;

 private:
  RunFolder(std::filesystem::path path, RunInfo info);
  void save() const;

  std::filesystem::path path_;
  RunInfo info_;
  double began_ = 0;  ///< seconds on a steady clock
  std::optional<Descriptor> lock_;
};

/// "2024-01-31T12:00:00Z", now.
[[nodiscard]] std::string utc_now();

}  // namespace scnn
