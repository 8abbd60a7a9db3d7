#include "cli/commands.h"
#include "run/stopping.h"
#include "scnn/run/run.h"

namespace scnn::cli {
namespace {

struct ResumeArguments {
  std::string run, from, fork, max_time;
  std::vector<std::string> overrides;
  bool take_over = false;
};

int resume(const Context& context, const ResumeArguments& options) {
  const double limit = options.max_time.empty() ? 0 : parse_duration(options.max_time);
  RunOptions run_options;
  run_options.command = context.command;
  run_options.screen = &context.screen();
  run_options.console = context.console();
  run_options.should_stop = stop_on_signal_or_after(limit);
  check_overrides(options.overrides);
  const ResumeOptions how{options.from, options.overrides, options.take_over};
  run_options.out = options.fork;
  watch_signals();
  print_result(context, options.fork.empty() ? resume_run(options.run, how, run_options)
                                             : fork_run(options.run, how, run_options));
  return 0;
}

}  // namespace

void add_resume(CLI::App& program, Context& context) {
  auto options = std::make_shared<ResumeArguments>();
  CLI::App* command = program.add_subcommand("resume", "continue a run from its newest valid checkpoint");
  command->add_option("RUN", options->run, "the run folder")->required()->option_text(" ");
  command
      ->add_option(
          "SETTINGS", options->overrides,
          "settings to change, key=value: device, checkpoint, logging, export and data.root; any other with --fork")
      ->option_text(" ");
  auto* fork = command->add_option("--fork", options->fork,
                                   "go on in this new run folder, with changed settings too; RUN is left as it is");
  fork->type_name("DIR");
  command
      ->add_flag("--take-over", options->take_over,
                 "resume although another host claims this run; use only when that process is dead")
      ->excludes(fork);
  command->add_option("--from", options->from, "this checkpoint instead of the newest")->type_name("CKPT");
  command->add_option("--max-time", options->max_time, "save and stop (exit 75) after this time: 90s, 15m, 2h")
      ->type_name("TIME");
  command->callback(
      [&context, options] { context.action = [&context, options] { return resume(context, *options); }; });
}

}  // namespace scnn::cli
