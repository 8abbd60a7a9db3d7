#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/grammar.h"
#include "cli/verbs.h"
#include "scnn/core/cores.h"
#include "scnn/core/file.h"
#include "scnn/experiment/deploy_bench.h"

namespace scnn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string model, out;
  int rounds = 9, threads = 1;
  double seconds = 0.05;
};

int deploy(const Context& context, const Options& options) {
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

}  // namespace

void add_bench(CLI::App& program, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("bench", "how fast and how large trained networks are where they are used");
  verb->require_subcommand(1);
  verb->fallthrough();
  CLI::App* deploying =
      verb->add_subcommand("deploy", "the C runtime, ONNX Runtime and ONNX Runtime before compression side by side");
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
  CLI::App* serving = verb->add_subcommand(
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
