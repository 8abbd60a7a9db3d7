#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scnn/record/console.h"
#include "scnn/record/result.h"
#include "scnn/run/run.h"
#include "scnn/settings/experiment.h"

namespace scnn {

struct SweepRun {
  std::string name;  ///< "p003-seed1": of its folder below runs/
  Experiment experiment;
};

/// Settings that are tried, and the runs of them that differ in their seed alone.
struct SweepPoint {
  bool baseline = false;
  std::vector<std::string> values;  ///< of SweepPlan::keys; empty where a key does not exist in this point
  std::vector<SweepRun> runs;
};

/// All that a sweep will do: the baseline first, then the points in the order of the file.
struct SweepPlan {
  std::string name;
  std::vector<std::string> keys;  ///< settings that the points differ in, without `seed`
  std::vector<SweepPoint> points;
  std::int64_t repeated = 0;  ///< draws that came to settings planned already, and are not run again
  int threads = 0;            ///< CPU threads of the runs whose experiment leaves them open; 0: not decided

  [[nodiscard]] std::size_t runs() const;
};

/// "gamma=0.005 lr=0.01", or "baseline"
[[nodiscard]] std::string point_label(const SweepPlan& plan, const SweepPoint& point);

/// Whether the file has a section `sweep`.  Error(experiment) where it cannot be read.
[[nodiscard]] bool has_sweep(const std::filesystem::path& file, std::span<const std::string> overrides = {});
/// The plan of an experiment file's section `sweep`, a function of its arguments alone.  Every point is read and
/// checked as check_experiment does; all mistakes are thrown as one Error(experiment) with their places.
[[nodiscard]] SweepPlan plan_sweep(const std::filesystem::path& file, std::span<const std::string> overrides = {});
/// Holds every kind of device, data set and batch size of the plan against this machine: what would end a run before
/// its first step.  Error(device), Error(data), Error(experiment).
void check_sweep(const SweepPlan& plan);

// The folder of a sweep: plan.json, written before anything else; for each run runs/NAME.yaml, its messages NAME.log
// and its run folder NAME; results.csv and sweep.json, also on the way, and at the end report.html.

/// Whether `path` is a folder with a plan.json.
[[nodiscard]] bool is_sweep(const std::filesystem::path& path);
/// Makes sweeps/<name>/<id>, or exactly `out`, and writes the plan.  With `join`, a folder that holds the same plan,
/// made by another shard, does too.  Error(run_folder).
[[nodiscard]] std::filesystem::path make_sweep(const SweepPlan& plan, const std::filesystem::path& out, bool join);
/// Reads plan.json of a sweep, or of a link to one, whose real path `folder` becomes.  Error(usage) where it is none,
/// Error(checkpoint) where it is damaged.
[[nodiscard]] SweepPlan open_sweep(std::filesystem::path& folder);

/// Where a run of a sweep stands, by its folder.
struct SweepRunStatus {
  enum class State { waiting, partial, failed, done };
  State state = State::waiting;
  int exit_code = 0;                ///< where it failed
  std::string message;              ///< why it failed
  std::optional<RunResult> result;  ///< where it is done
};
[[nodiscard]] SweepRunStatus sweep_run_status(const std::filesystem::path& folder, const std::string& run);

/// Mean and sample standard deviation over the runs that are done.
struct Spread {
  double mean = 0;
  std::optional<double> deviation;  ///< where there are two runs or more
};
[[nodiscard]] Spread spread_of(const std::vector<double>& values);

/// What one point came to.
struct SweepRow {
  bool baseline = false;
  std::vector<std::string> values;
  std::size_t runs = 0, done = 0;
  Spread top1, file_bytes, learned_bits, removed, seconds;  ///< meaningless where none is done
  bool pareto = false;  ///< all its runs are done, and no other point is as good in both mean accuracy and size

  [[nodiscard]] bool complete() const { return done == runs; }
};

struct SweepFailure {
  std::string run;
  int exit_code = 0;
  std::string message;
};

struct SweepTable {
  std::vector<SweepRow> rows;  ///< in the order of the plan
  std::vector<SweepFailure> failures;
  std::size_t runs = 0, done = 0;
};
/// Marks the rows of the Pareto front: complete, and no other complete row has at least their accuracy in at most their
/// bytes with one of the two better.
void mark_pareto(std::vector<SweepRow>& rows);
/// `failures`: what is known beyond the run folders, by name of the run.
[[nodiscard]] SweepTable sweep_table(const std::filesystem::path& folder, const SweepPlan& plan,
                                     const std::map<std::string, SweepFailure>& failures = {});
[[nodiscard]] std::string sweep_csv(const SweepPlan& plan, const SweepTable& table);
/// One JSON object: what sweep.json holds.
[[nodiscard]] std::string sweep_json(const std::filesystem::path& folder, const SweepPlan& plan,
                                     const SweepTable& table);
/// The table for a terminal.
[[nodiscard]] std::string sweep_text(const SweepPlan& plan, const SweepTable& table);

struct SweepOptions {
  std::filesystem::path program;  ///< the scnn that runs each run
  int jobs = 1;                   ///< processes at a time
  int shard = 1, shards = 1;      ///< run k (from 0) belongs to shard k % shards + 1
  bool fail_fast = false;
  std::ostream* screen = nullptr;
  ConsoleOptions console;
  std::function<std::optional<StopRequest>()> should_stop;  ///< asked ten times a second; may be empty
};
struct SweepOutcome {
  SweepTable table;                    ///< of the whole sweep
  std::vector<SweepFailure> failures;  ///< of this shard's runs
};
/// Does the shard's runs that are not done, each in a process of its own, and writes the results.  A failed run stops
/// the others only with `fail_fast`.  A request to stop is passed on to the runs, which save; then Error of its kind
/// names the command that goes on.
[[nodiscard]] SweepOutcome run_sweep(const std::filesystem::path& folder, const SweepPlan& plan,
                                     const SweepOptions& options);
/// "1/4".  Error(usage).
void parse_shard(const std::string& text, SweepOptions& options);

}  // namespace scnn
