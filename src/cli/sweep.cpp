#include "sweep/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/cores.h"
#include "run/stopping.h"

namespace scnn::cli {
namespace {

struct SweepArguments {
  std::string file, out, resume, shard, max_time;
  std::vector<std::string> overrides;
  int jobs = 1;
  bool fail_fast = false, dry_run = false;
};

using Json = nlohmann::ordered_json;

void check_usage(const SweepArguments& options) {
  const auto refuse = [](const std::string& message) { throw Error(ErrorKind::usage, message); };
  if (options.resume.empty() && options.file.empty()) refuse("name an experiment file, or a sweep with --resume DIR");
  if (!options.resume.empty() && (!options.file.empty() || !options.out.empty() || options.dry_run)) {
    refuse("--resume DIR goes on with the plan in DIR: no file, no settings, no --out, no --dry-run beside it");
  }
  if (options.resume.empty() && !options.shard.empty() && options.out.empty() && !options.dry_run) {
    refuse("--shard needs --out DIR, the same in all shards: there they find each other's runs");
  }
  for (const std::string& override : options.overrides) {
    if (override.find('=') == std::string::npos) {
      refuse(fmt::format("'{}' is no setting: write key=value, such as train.epochs=3", override));
    }
  }
}

/// The plan and how much there is to do.
int print_plan(const Context& context, const SweepPlan& plan) {
  if (context.json) {
    Json points = Json::array();
    for (const SweepPoint& point : plan.points) {
      Json settings = Json::object(), runs = Json::array();
      for (std::size_t i = 0; i < plan.keys.size(); ++i) {
        settings[plan.keys[i]] = point.values[i].empty() ? Json(nullptr) : Json(point.values[i]);
      }
      for (const SweepRun& run : point.runs) runs.push_back(run.name);
      points.push_back({{"baseline", point.baseline}, {"settings", settings}, {"runs", runs}});
    }
    std::cout << Json{{"name", plan.name}, {"runs", plan.runs()}, {"points", points}}.dump(2) << '\n';
    return 0;
  }
  for (const SweepPoint& point : plan.points) {
    std::cout << point_label(plan, point) << '\n';
    for (const SweepRun& run : point.runs) {
      std::cout << fmt::format("  {}  {} epochs\n", run.name, run.experiment.train.epochs);
    }
  }
  std::cout << fmt::format("{} points, {} runs\n", plan.points.size(), plan.runs());
  return 0;
}

int print_outcome(const Context& context, const std::filesystem::path& folder, const SweepPlan& plan,
                  const SweepOutcome& outcome) {
  const SweepTable& table = outcome.table;
  if (context.json) {
    std::cout << sweep_json(folder, plan, table);
  } else {
    std::cout << '\n' << sweep_text(plan, table);
    if (table.done < table.runs) std::cout << fmt::format("{} of {} runs are done\n", table.done, table.runs);
    std::cout << fmt::format("table   {0}/results.csv\nresult  {0}/sweep.json\nreport  {0}/report.html\n",
                             folder.string());
  }
  if (outcome.failures.empty()) return 0;
  std::string list = fmt::format("{} of {} runs failed", outcome.failures.size(), table.runs);
  for (const SweepFailure& one : outcome.failures) {
    list += fmt::format("\n  {}: exit code {}: {}", one.run, one.exit_code, one.message);
  }
  std::cout.flush();
  throw Error(ErrorKind::sweep,
              fmt::format("{}\nto try them again, and do what is left: scnn sweep --resume {}", list, folder.string()));
}

int sweep(const Context& context, const SweepArguments& options) {
  check_usage(options);
  SweepOptions how;
  if (!options.shard.empty()) parse_shard(options.shard, how);
  how.program = "/proc/self/exe";  // also where the file has been replaced since
  how.jobs = options.jobs;
  how.fail_fast = options.fail_fast;
  how.screen = &context.screen();
  how.console = context.console();
  how.should_stop = stop_on_signal_or_after(options.max_time.empty() ? 0 : parse_duration(options.max_time));
  std::filesystem::path folder = options.resume;
  SweepPlan plan;
  if (options.resume.empty()) {
    plan = plan_sweep(options.file, options.overrides);
    if (plan.repeated > 0) {
      std::cerr << fmt::format("note: {} draws repeat earlier settings and are not run again\n", plan.repeated);
    }
    check_sweep(plan);
    if (options.dry_run) return print_plan(context, plan);
    // Results depend on the number of threads: it belongs to the plan, whatever machine goes on with it.
    plan.threads = std::max(1, usable_cores() / options.jobs);
    folder = make_sweep(plan, options.out, !options.shard.empty());
  }
  plan = open_sweep(folder);
  if (context.verbosity() >= 0) how.screen->flush() << "sweep " << folder.string() << '\n';
  watch_signals();
  return print_outcome(context, folder, plan, run_sweep(folder, plan, how));
}

}  // namespace

void add_sweep(CLI::App& program, Context& context) {
  auto options = std::make_shared<SweepArguments>();
  CLI::App* command = program.add_subcommand("sweep", "run every point of an experiment's section 'sweep'");
  command->add_option("FILE", options->file, "the experiment, a YAML file with a section 'sweep'")
      ->option_text(" ")
      ->type_name("YAML");
  command->add_option("SETTINGS", options->overrides, "settings to replace, key=value (scnn explain sweep)")
      ->option_text(" ")
      ->type_name("SETTING");
  command->add_option("--out", options->out, "the sweep's folder, missing or empty; default sweeps/NAME/TIME-HASH")
      ->type_name("DIR");
  command->add_option("--resume", options->resume, "go on with the sweep in this folder")->type_name("DIR");
  command->add_option("--jobs", options->jobs, "runs at a time, each a process; they share the cores")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N");
  command->add_option("--shard", options->shard, "only every n-th run, from the i-th on; --out is shared by the shards")
      ->type_name("i/n");
  command->add_option("--max-time", options->max_time, "save and stop (exit 75) after this time: 90s, 15m, 2h")
      ->type_name("TIME");
  command->add_flag("--fail-fast", options->fail_fast, "the first failed run stops the sweep");
  command->add_flag("--dry-run", options->dry_run, "check all points and print them, train nothing");
  command->callback([&context, options] { context.action = [&context, options] { return sweep(context, *options); }; });
}

}  // namespace scnn::cli
