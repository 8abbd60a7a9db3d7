#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <set>
#include <thread>

#include "core/file.h"
#include "record/run_folder.h"
#include "run/initial_weights.h"
#include "scnn/data/dataset.h"
#include "scnn/train/trainer.h"
#include "settings/check.h"
#include "sweep/child.h"
#include "sweep/console.h"
#include "sweep/folder.h"
#include "sweep/page.h"

namespace scnn {
namespace fs = std::filesystem;
namespace {

constexpr auto poll_period = std::chrono::milliseconds(50);
constexpr double busy_period = 1;   // seconds until a run that another process has is looked at again
constexpr double table_period = 5;  // seconds between two tables on the way: each reads all results

/// The message of a run that left none in its folder: the end of what it printed.
std::string printed(const fs::path& log, std::uintmax_t from, int code) {
  constexpr std::size_t most = 2000;
  std::string text = read_text(log, ErrorKind::run_folder);
  text.erase(0, std::min<std::size_t>(text.size(), from));
  if (text.size() > most) text.erase(0, text.size() - most);
  text.erase(text.find_last_not_of("\n ") + 1);
  if (text.starts_with("error: ")) text.erase(0, 7);
  if (code > 128) {
    text += fmt::format("{}ended by signal {} ({})", text.empty() ? "" : "\n", code - 128, ::strsignal(code - 128));
  }
  return text.empty() ? "it said nothing" : text;
}

/// The runs of one shard, done by child processes.
class Scheduler {
 public:
  Scheduler(const fs::path& folder, const SweepPlan& plan, const SweepOptions& options)
      : folder_(folder), plan_(plan), options_(options), console_(options.screen, options.console) {
    progress_.jobs = options.jobs;
    std::size_t index = 0;
    for (const SweepPoint& point : plan.points) {
      for (const SweepRun& run : point.runs) {
        if (static_cast<int>(index++ % static_cast<std::size_t>(options.shards)) + 1 != options.shard) continue;
        ++progress_.runs;
        add({&run, point_label(plan, point), 0});
      }
    }
  }

  SweepOutcome run() {
    fs::create_directories(folder_ / "runs");
    for (;;) {
      reap();
      if (!stop_ && options_.should_stop) {
        if (const auto request = options_.should_stop()) stop(*request);
      }
      if (!stop_) start_waiting();
      if (running_.empty() && (stop_ || waiting_.empty())) break;
      console_.show(progress_);
      std::this_thread::sleep_for(poll_period);
    }
    SweepTable table = write_results();
    const bool all_tried = progress_.done + progress_.failed == progress_.runs;
    if (!all_tried && !failed_fast_) {
      throw Error(stop_ ? stop_->kind : ErrorKind::stopped,
                  fmt::format("{}; {} of {} runs are done, {} failed; go on with: scnn sweep --resume {}{}",
                              stop_ ? stop_->why : stopped_run_ + " was stopped", progress_.done, progress_.runs,
                              progress_.failed, folder_.string(), shard_text()));
    }
    std::vector<SweepFailure> failures;
    for (const auto& [name, failure] : failures_) failures.push_back(failure);
    return {std::move(table), std::move(failures)};
  }

 private:
  struct Waiting {
    const SweepRun* run;
    std::string label;
    double not_before;
  };
  struct Running {
    Waiting what;
    Descriptor claim;
    Child child;
    std::uintmax_t log_start;
  };

  [[nodiscard]] std::string shard_text() const {
    return options_.shards > 1 ? fmt::format(" --shard {}/{}", options_.shard, options_.shards) : "";
  }
  [[nodiscard]] fs::path log_of(const SweepRun& run) const { return folder_ / "runs" / (run.name + ".log"); }

  void add(Waiting one) {
    const SweepRunStatus status = sweep_run_status(folder_, one.run->name);
    if (status.state == SweepRunStatus::State::done) {
      count_done(*status.result);
    } else {
      waiting_.push_back(std::move(one));
    }
  }

  void count_done(const RunResult& result) {
    ++progress_.done;
    seconds_ += result.train_seconds + result.eval_seconds;
    progress_.mean_seconds = seconds_ / static_cast<double>(progress_.done);
  }

  void stop(const StopRequest& request) {
    stop_ = request;
    for (Running& one : running_) one.child.signal(request.kind == ErrorKind::interrupted ? SIGINT : SIGTERM);
  }

  void start_waiting() {
    for (std::size_t left = waiting_.size(); left > 0 && running_.size() < static_cast<std::size_t>(options_.jobs);
         --left) {
      Waiting one = std::move(waiting_.front());
      waiting_.pop_front();
      if (one.not_before > console_.now()) {
        waiting_.push_back(std::move(one));
      } else {
        start(std::move(one));
      }
    }
  }

  /// A run belongs to the sweep that has this lock, from before its folder is made until the process that writes it,
  /// which shares the lock, has ended and is told of.  Nothing while another sweep has it.
  [[nodiscard]] std::optional<Descriptor> claim(const SweepRun& run) const {
    return lock_file(folder_ / "runs" / (run.name + ".lock"));
  }

  /// Whether somebody else, such as a user's `scnn resume`, has the folder of a run that is ours.  One that a kill left
  /// without run.json is removed.
  [[nodiscard]] bool is_busy(const SweepRun& run) const {
    const fs::path path = run_path(folder_, run.name);
    if (!fs::exists(path)) return false;
    const auto lock = lock_file(path / ".lock");
    if (lock && !RunFolder::is_run(path)) fs::remove_all(path);
    return !lock;
  }

  void put_off(Waiting one) {
    if (one.not_before == 0) console_.line(fmt::format("{} is at work in another process: waiting", one.run->name));
    one.not_before = console_.now() + busy_period;
    waiting_.push_back(std::move(one));
  }

  void start(Waiting one) {
    const SweepRun& run = *one.run;
    std::optional<Descriptor> mine = claim(run);
    if (!mine || is_busy(run)) return put_off(std::move(one));
    const SweepRunStatus status = sweep_run_status(folder_, run.name);
    if (status.result) return count_done(*status.result);  // by another process meanwhile
    const fs::path path = run_path(folder_, run.name), log = log_of(run);
    const bool fresh = status.state == SweepRunStatus::State::waiting;
    std::vector<std::string> words = {"scnn", "-q", "resume", path.string()};
    if (fresh) {
      const fs::path settings = folder_ / "runs" / (run.name + ".yaml");
      write_shared(settings, run.experiment.yaml);  // without locks, another process may have this run, too
      words = {"scnn", "-q", "run", settings.string(), "--out", path.string()};
      if (run.experiment.device.threads == 0 && plan_.threads > 0) {
        words.push_back(fmt::format("device.threads={}", plan_.threads));
      }
    }
    std::error_code none;
    const std::uintmax_t size = fs::file_size(log, none);
    console_.line(fmt::format("{}  {} {}", run.name, fresh ? "starts:" : "goes on:", one.label));
    progress_.running.push_back({run.name, console_.now()});
    Child child(options_.program, words, log, *mine);
    running_.push_back({std::move(one), *std::move(mine), child, none ? 0 : size});
  }

  void reap() {
    for (std::size_t i = 0; i < running_.size();) {
      const std::optional<int> code = running_[i].child.ended();
      if (!code) {
        ++i;
        continue;
      }
      const Running ended = std::move(running_[i]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      std::erase_if(progress_.running, [&](const auto& one) { return one.run == ended.what.run->name; });
      take(ended, *code);
    }
  }

  void take(const Running& ended, int code) {
    const SweepRun& run = *ended.what.run;
    const SweepRunStatus status = sweep_run_status(folder_, run.name);
    const bool told = code == static_cast<int>(ErrorKind::stopped) ||
                      code == static_cast<int>(ErrorKind::interrupted) || (stop_ && code == 128 + SIGTERM);
    if (status.result) {
      count_done(*status.result);
      console_.line(fmt::format("{}  done ({} of {}): top-1 {:.2f}%, {} bytes, {}  {}", run.name, progress_.done,
                                progress_.runs, 100 * status.result->test.top1, grouped(status.result->file_bytes),
                                clock_text(status.result->train_seconds), ended.what.label));
    } else if (told) {
      stopped_run_ = run.name;
      console_.line(run.name + "  stopped");
    } else if (is_busy(run)) {
      return put_off(ended.what);
    } else {
      fail(ended, code, status);
    }
    write_on_the_way();
  }

  void fail(const Running& ended, int code, const SweepRunStatus& status) {
    const std::string& name = ended.what.run->name;
    const bool recorded = status.state == SweepRunStatus::State::failed && code < 128;
    const std::string message = recorded ? status.message : printed(log_of(*ended.what.run), ended.log_start, code);
    failures_[name] = {name, code, message};
    ++progress_.failed;
    console_.line(fmt::format("{}  failed with exit code {}: {}", name, code, message));
    if (!options_.fail_fast || stop_) return;
    failed_fast_ = true;
    stop({ErrorKind::stopped, name + " failed"});
  }

  void write_files(const SweepTable& table) {
    write_shared(folder_ / "results.csv", sweep_csv(plan_, table));
    write_shared(folder_ / "sweep.json", sweep_json(folder_, plan_, table));
  }

  void write_on_the_way() {
    if (written_ > 0 && console_.now() - written_ < table_period) return;
    write_files(sweep_table(folder_, plan_, failures_));
    written_ = console_.now();
  }

  /// Written until it says what the folders say: another shard may finish a run, and write, between the two.
  SweepTable write_results() {
    SweepTable table = sweep_table(folder_, plan_, failures_);
    for (;;) {
      write_files(table);
      write_shared(folder_ / "report.html", sweep_page(folder_, plan_, table));
      SweepTable now = sweep_table(folder_, plan_, failures_);
      if (now.done == table.done) return table;
      table = std::move(now);
    }
  }

  const fs::path& folder_;
  const SweepPlan& plan_;
  const SweepOptions& options_;
  SweepConsole console_;
  SweepProgress progress_;
  std::deque<Waiting> waiting_;
  std::vector<Running> running_;
  std::map<std::string, SweepFailure> failures_;
  std::optional<StopRequest> stop_;
  bool failed_fast_ = false;
  std::string stopped_run_;  ///< the last that ended unfinished, told by us or by others
  double seconds_ = 0;       ///< of the runs that are done
  double written_ = 0;       ///< when the last table on the way was
};

}  // namespace

SweepOutcome run_sweep(const fs::path& folder, const SweepPlan& plan, const SweepOptions& options) {
  return Scheduler(folder, plan, options).run();
}

void check_sweep(const SweepPlan& plan) {
  std::set<std::string> seen;
  for (const SweepPoint& point : plan.points) {
    const Experiment& experiment = point.runs[0].experiment;
    if (experiment.device.type == "cuda" && !cuda_unusable_because().empty()) {
      (void)make_backend(experiment.device);  // which says why
    }
    const std::string& yaml = experiment.yaml;
    const std::size_t from = yaml.find("\ndata:"), to = yaml.find("\nmodel:"), end = yaml.find("\ncompression:");
    if (seen.insert(yaml.substr(to, end - to)).second) check_initial_weights(experiment);
    // Which images there are follows from these alone.
    if (!seen.insert(fmt::format("{}{}", experiment.train.batch_size, yaml.substr(from, to - from))).second) continue;
    with_locations(experiment, [&] {
      const Dataset data = load_dataset(experiment.data, experiment.seed);
      check_batch_size(experiment.train.batch_size, data.train.size());
    });
  }
}

void parse_shard(const std::string& text, SweepOptions& options) {
  const char* end = text.data() + text.size();
  const auto [slash, bad] = std::from_chars(text.data(), end, options.shard);
  const bool first = bad == std::errc() && slash != end && *slash == '/';
  const auto [stop, worse] = std::from_chars(first ? slash + 1 : end, end, options.shards);
  if (first && worse == std::errc() && stop == end && options.shard >= 1 && options.shard <= options.shards) return;
  throw Error(ErrorKind::usage, fmt::format("'{}' is no shard: write 1/4 for the first of four", text));
}

}  // namespace scnn
