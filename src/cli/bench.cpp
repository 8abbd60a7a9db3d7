#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "cli/grammar.h"
#include "core/cores.h"
#include "core/file.h"
#include "measure/deploy_bench.h"
#include "measure/profile.h"
#include "measure/train_bench.h"
#include "run/stopping.h"

namespace scnn::cli {
namespace {

struct BenchArguments {
  std::vector<std::string> models;
  std::string model, out;
  int rounds = 9, threads = 1;
  double seconds = 0.05;
};

struct TrainingOptions {
  std::string file, trace, device;
  std::vector<std::string> overrides;
  TrainBenchOptions what;
};

int deploy(const Context& context, const BenchArguments& options) {
  DeployBenchOptions how;
  how.rounds = options.rounds;
  how.seconds = options.seconds;
  how.threads = {1};
  if (usable_cores() > 1) how.threads.push_back(std::min(usable_cores(), 64));  // the most that the runtime takes
  how.runtime = {std::filesystem::read_symlink("/proc/self/exe").string(), "bench", "runtime"};
  if (!context.quiet) how.progress = [](const std::string& model) { std::cerr << "measuring " << model << '\n'; };
  const DeployBench bench = bench_deploy(options.models, how);
  if (!options.out.empty()) write_file(options.out, deploy_page(bench));
  std::cout << (context.json ? deploy_json(bench) : deploy_table(bench));
  if (!options.out.empty() && !context.json) std::cout << "page " << options.out << '\n';
  return 0;
}

int train(const Context& context, const TrainingOptions& options) {
  const Experiment experiment = load_with(options.file, options.overrides, options.device);
  TrainBenchOptions what = options.what;
  what.should_stop = stop_on_signal_or_after(0);
  watch_signals();
  RunComponents parts = prepare(experiment);
  std::ofstream trace;
  if (!options.trace.empty()) {  // before minutes of training
    trace.open(options.trace);
    if (!trace) throw Error(ErrorKind::run_folder, "cannot write " + options.trace + ": choose another --trace");
  }
  const TrainBench bench = bench_training(experiment, parts, what);
  if (!options.trace.empty()) {
    trace << trace_json(bench.name, bench.times);
    trace.close();
    if (!trace) throw Error(ErrorKind::run_folder, "cannot write " + options.trace + ": the disk may be full");
  }
  std::cout << (context.json ? train_bench_json(bench) : train_bench_table(bench));
  if (!options.trace.empty() && !context.json) {
    std::cout << fmt::format("\ntrace {} (open it in ui.perfetto.dev)\n", options.trace);
  }
  return 0;
}

void add_train(CLI::App& bench, Context& context) {
  auto options = std::make_shared<TrainingOptions>();
  CLI::App* command = bench.add_subcommand(
      "train", "measure training steps by part: data, forward, backward, update, and the time outside kernels");
  add_experiment(*command, options->file, options->overrides);
  CLI::Option* steps = command->add_option("--steps", options->what.steps, "steps to measure; default 30")
                           ->type_name("N")
                           ->check(CLI::Range(std::int64_t{1}, std::int64_t{100000}).description(""));
  command->add_option("--epochs", options->what.epochs, "whole epochs to measure instead")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100000}).description(""))
      ->excludes(steps);
  command->add_option("--warmup", options->what.warmup, "steps before them; default 10")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1000000000}).description(""));
  command
      ->add_option(
          "--keep", options->what.keep,
          "then with channels left out at random until this share of the multiply-adds is left, such as 0.5,0.2: "
          "how much faster training gets")
      ->type_name("SHARES")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0.001, 0.999).description(""));
  command->add_option("--trace", options->trace, "every single range and kernel, for ui.perfetto.dev")
      ->type_name("FILE");
  add_device(*command, options->device);
  command->callback([&context, options] {
    std::ranges::sort(options->what.keep, std::ranges::greater());
    context.action = [&context, options] { return train(context, *options); };
  });
}

}  // namespace

void add_bench(CLI::App& program, Context& context) {
  auto options = std::make_shared<BenchArguments>();
  CLI::App* command =
      program.add_subcommand("bench", "measure the speed of training, and the speed and size of trained networks");
  command->require_subcommand(1);
  command->fallthrough();
  CLI::App* deploying =
      command->add_subcommand("deploy", "compare the C runtime, ONNX Runtime, and ONNX Runtime before compression");
  deploying->add_option("MODEL", options->models, "run folders, checkpoints (.safetensors) or packed models (.scnn)")
      ->required()
      ->option_text(" ");
  deploying->add_option("--rounds", options->rounds, "rounds of measurements, whose medians are shown; default 9")
      ->type_name("N")
      ->check(CLI::Range(7, 1000).description(""));
  deploying->add_option("--seconds", options->seconds, "that a timing lasts at least; default 0.05")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 60.0).description(""));
  deploying->add_option("-o,--output", options->out, "also a page with charts")->type_name("FILE");
  deploying->callback(
      [&context, options] { context.action = [&context, options] { return deploy(context, *options); }; });
  add_train(*command, context);
  CLI::App* serving = command->add_subcommand(
      "runtime", "what deploy starts: the C runtime, taking commands (memory, load, run BATCH SECONDS) on stdin");
  serving->add_option("MODEL", options->model, "a packed model (.scnn)")->required()->option_text(" ");
  serving->add_option("THREADS", options->threads, "threads to compute with")
      ->required()
      ->check(CLI::Range(1, 64).description(""))
      ->option_text(" ");
  serving->callback([&context, options] {
    context.action = [options] {
      serve_runtime(options->model, options->threads);
      return 0;
    };
  });
}

}  // namespace scnn::cli
