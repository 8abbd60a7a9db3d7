#include "scnn/run/run.h"

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "run/network_table.h"
#include "run/stopping.h"
#include "scnn/train/trainer.h"

namespace scnn::cli {
namespace {

struct RunArguments {
  std::string file, out, name, device, max_time;
  std::vector<std::string> overrides;
  bool dry_run = false;
};

using Json = nlohmann::ordered_json;

Json to_json(Graph& graph) {
  Json layers = Json::array();
  for (const LayerRow& row : layer_rows(graph)) {
    layers.push_back({{"name", row.name},
                      {"type", row.type},
                      {"output", row.shape},
                      {"parameters", row.parameters},
                      {"macs", row.macs}});
  }
  return layers;
}

/// Builds everything and trains nothing.
int dry_run(const Context& context, const Experiment& experiment) {
  const RunComponents parts = prepare(experiment);
  Graph& graph = *parts.graph;
  const Dataset& data = parts.data;
  const std::string table = network_table(graph);
  TrainObserver nobody;
  TrainerOptions options;
  options.train = experiment.train;
  options.compression = experiment.compression;
  const Trainer trainer(graph, data, options, nobody);
  const std::int64_t steps = trainer.steps_per_epoch();
  for (const std::string& warning : data.warnings) std::cerr << "warning: " << warning << '\n';
  if (context.json) {
    const Json json = {{"name", experiment.name},
                       {"device", to_string(parts.backend->device())},
                       {"layers", to_json(graph)},
                       {"macs", graph.macs()},
                       {"data",
                        {{"name", data.name},
                         {"train", data.train.size()},
                         {"validation", data.validation.size()},
                         {"test", data.test.size()},
                         {"classes", data.classes}}},
                       {"epochs", experiment.train.epochs},
                       {"steps_per_epoch", steps},
                       {"config", experiment.yaml}};
    std::cout << json.dump(2) << '\n';
    return 0;
  }
  std::cout << table << '\n'
            << fmt::format("data     {}: {} training, {} validation, {} test images of {} x {} x {}, {} classes\n",
                           data.name, grouped(data.train.size()), grouped(data.validation.size()),
                           grouped(data.test.size()), data.h, data.w, data.channels, data.classes)
            << fmt::format("training {} epochs of {} steps of {} images\n", experiment.train.epochs, grouped(steps),
                           experiment.train.batch_size)
            << "device   " << parts.backend->description() << '\n';
  return 0;
}

int run(const Context& context, const RunArguments& options) {
  std::vector<std::string> overrides = options.overrides;
  if (!options.name.empty()) overrides.push_back("name=" + options.name);
  const double limit = options.max_time.empty() ? 0 : parse_duration(options.max_time);
  const Experiment experiment = load_with(options.file, std::move(overrides), options.device);
  if (options.dry_run) return dry_run(context, experiment);
  RunOptions run_options;
  run_options.out = options.out;
  run_options.command = context.command;
  run_options.screen = &context.screen();
  run_options.console = context.console();
  run_options.should_stop = stop_on_signal_or_after(limit);
  watch_signals();
  print_result(context, run_experiment(experiment, run_options));
  return 0;
}

}  // namespace

void check_overrides(const std::vector<std::string>& overrides) {
  for (const std::string& override : overrides) {
    if (override.find('=') == std::string::npos) {
      throw Error(ErrorKind::usage,
                  fmt::format("'{}' is no setting: write key=value, such as train.epochs=3", override));
    }
  }
}

Experiment load_with(const std::string& file, std::vector<std::string> overrides, const std::string& device) {
  check_overrides(overrides);
  if (!device.empty()) overrides.push_back("device.type=" + device);
  return load_experiment(file, overrides);
}

void print_result(const Context& context, const RunResult& result) {
  if (context.json) {
    std::cout << result_json(result);
    return;
  }
  std::int64_t removed = 0;
  for (const RemovalRecord& removal : result.removals) removed += removal.channels;
  const bool colour = context.colour(1);
  std::cout << fmt::format(
      "\n{}test top-1 {:.2f}%{}, {} bytes ({:.2f}% of 32 bits a weight), {} of {} weights left, {} "
      "channels removed\n",
      colour ? "\x1b[1m" : "", 100.0 * result.test.top1, colour ? "\x1b[0m" : "", grouped(result.file_bytes),
      result.file_percent(), grouped(result.size.live_weights), grouped(result.size.original_weights), removed);
  std::cout << fmt::format("the export moved logits by {:.1e} of the largest at most\n", result.export_diff);
  std::cout << fmt::format("training steps took {}, evaluation {}\n", clock_text(result.train_seconds),
                           clock_text(result.eval_seconds));
  std::cout << fmt::format("model   {0}/model.scnn\nresult  {0}/result.json\nreport  {0}/report.html\n", result.run);
}

void add_run(CLI::App& program, Context& context) {
  auto options = std::make_shared<RunArguments>();
  CLI::App* command = program.add_subcommand("run", "train, compress, evaluate, export and report an experiment");
  add_experiment(*command, options->file, options->overrides);
  command->add_option("--out", options->out, "the run folder itself, missing or empty; default runs/NAME/TIME-HASH")
      ->type_name("DIR");
  command->add_option("--name", options->name, "another name for the run")->type_name("NAME");
  add_device(*command, options->device);
  command->add_option("--max-time", options->max_time, "save and stop (exit 75) after this time: 90s, 15m, 2h")
      ->type_name("TIME");
  command->add_flag("--dry-run", options->dry_run, "print network and data, train nothing");
  command->callback([&context, options] { context.action = [&context, options] { return run(context, *options); }; });
}

}  // namespace scnn::cli
