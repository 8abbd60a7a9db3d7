#include "cli/verbs.h"
#include "scnn/experiment/run.h"
#include "scnn/experiment/stopping.h"

namespace scnn::cli {
namespace {

struct Options {
  std::string run, from, max_time;
};

int resume(const Context& context, const Options& options) {
  const double limit = options.max_time.empty() ? 0 : parse_duration(options.max_time);
  RunOptions run_options;
  run_options.command = context.command;
  run_options.screen = &context.screen();
  run_options.console = context.console();
  run_options.should_stop = stop_on_signal_or_after(limit);
  watch_signals();
  print_result(context, resume_run(options.run, options.from, run_options));
  return 0;
}

}  // namespace

void add_resume(CLI::App& program, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("resume", "go on with a run from its newest valid checkpoint");
  verb->add_option("RUN", options->run, "the run folder")->required()->option_text(" ");
  verb->add_option("--from", options->from, "this checkpoint instead of the newest")->type_name("CKPT");
  verb->add_option("--max-time", options->max_time, "save and stop (exit 75) after this time: 90s, 15m, 2h")
      ->type_name("TIME");
  verb->callback([&context, options] { context.action = [&context, options] { return resume(context, *options); }; });
}

}  // namespace scnn::cli
