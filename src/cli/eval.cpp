#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/cores.h"
#include "export/loaded_runtime.h"
#include "run/model_file.h"
#include "scnn/record/result.h"
#include "scnn/run/run.h"
#include "scnn/train/evaluate.h"
#include "settings/check.h"

namespace scnn::cli {
namespace {

struct EvalArguments {
  std::string model, experiment, split = "test", device;
  std::vector<std::string> expectations;
};

const ImageSet& split_of(const Dataset& data, const std::string& split) {
  const ImageSet& set = split == "train" ? data.train : split == "validation" ? data.validation : data.test;
  if (!set.labels.defined() || set.size() == 0) {
    throw Error(ErrorKind::usage, fmt::format("this experiment has no {} split (data.validation.fraction)", split));
  }
  return set;
}

/// The same of the C runtime with activations of bytes.
Metrics evaluate_bytes(const PackedModel& model, const std::string& where, const ImageSet& set) {
  const LoadedRuntime runtime(encode(model), where, {std::min(usable_cores(), 64), SCNN_RT_AUTO, SCNN_RT_BYTES});
  const std::vector<float> logits = runtime.logits(set.images.values<std::uint8_t>());
  const std::size_t classes = logits.size() / static_cast<std::size_t>(set.size());
  Metrics metrics;
  metrics.images = set.size();
  std::int64_t correct = 0;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const auto row = std::span(logits).subspan(static_cast<std::size_t>(i) * classes, classes);
    const auto label = static_cast<std::size_t>(set.labels.data<std::int32_t>()[i]);
    const auto largest = std::ranges::max_element(row);
    correct += largest - row.begin() == static_cast<std::ptrdiff_t>(label) ? 1 : 0;
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit) - static_cast<double>(*largest));
    metrics.loss += std::log(sum) + static_cast<double>(*largest) - static_cast<double>(row[label]);
  }
  metrics.loss /= static_cast<double>(metrics.images);
  metrics.top1 = static_cast<double>(correct) / static_cast<double>(metrics.images);
  return metrics;
}

int eval(const Context& context, const EvalArguments& options) {
  std::vector<Expectation> expectations;
  for (const std::string& text : options.expectations) expectations.emplace_back(text);
  ModelFile file = open_model(options.model);
  if (!options.experiment.empty()) {
    Experiment other = load_experiment(options.experiment);
    // A checkpoint's network is its own; only the data may come from elsewhere.
    if (file.experiment) {
      file.experiment->data = other.data;
      file.experiment->seed = other.seed;
    } else {
      file.experiment = std::move(other);
    }
  }
  if (!file.experiment) {
    throw Error(ErrorKind::usage,
                fmt::format("{} is not inside its run folder, so its data are unknown; name them with "
                            "--experiment FILE",
                            file.path.string()));
  }
  DeviceOptions device = file.experiment->device;
  if (!options.device.empty()) device.type = options.device;
  if (device_for(device).type == DeviceType::cpu) {
    device.precision = Precision::fp32;
    device.convolution = ConvolutionPath::automatic;
  }
  const std::unique_ptr<Backend> backend = make_backend(device);
  const Dataset data = load_dataset(file.experiment->data, file.experiment->seed);
  const ImageSet& set = split_of(data, options.split);
  if (file.checkpoint) {
    // The form of model.scnn, so that both give the same figures.
    const RestoredModel restored = restore_model(file, *backend);
    file.packed = pack(*restored.graph, file.experiment->name, data, file.experiment->exporting);
    file.bytes = static_cast<std::int64_t>(encode(*file.packed).size());
  }
  const std::unique_ptr<Graph> graph = unpack(*file.packed, *backend);
  check_fits(*graph, data);
  const Metrics metrics = evaluate(*graph, set, file.packed->normalization);
  std::optional<Metrics> bytes;
  if (!file.packed->activations.empty()) bytes = evaluate_bytes(*file.packed, file.path.string(), set);
  if (context.json) {
    nlohmann::ordered_json json = {{"model", file.path.string()}, {"device", to_string(backend->device())},
                                   {"split", options.split},      {"images", metrics.images},
                                   {"top1", metrics.top1},        {"loss", metrics.loss},
                                   {"file_bytes", file.bytes}};
    if (bytes) json["bytes"] = {{"top1", bytes->top1}, {"loss", bytes->loss}};
    std::cout << json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) << '\n';
  } else {
    std::cout << fmt::format("{}\n{} split, {} images: top-1 {:.2f}%, loss {:.4f}; packed file {} bytes\n",
                             file.path.string(), options.split, grouped(metrics.images), 100.0 * metrics.top1,
                             metrics.loss, grouped(file.bytes));
    if (bytes) {
      std::cout << fmt::format("with activations of bytes, in the C runtime: top-1 {:.2f}%, loss {:.4f}\n",
                               100.0 * bytes->top1, bytes->loss);
    }
  }
  for (std::size_t i = 0; i < expectations.size(); ++i) {
    const std::string& metric = expectations[i].metric();
    if (metric.starts_with("bytes_") && !bytes) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} has no activations of bytes to check {} on: scnn export --calibrate "
                              "makes a file that has",
                              file.path.string(), metric));
    }
    const double value = metric == "top1"         ? metrics.top1
                         : metric == "loss"       ? metrics.loss
                         : metric == "bytes_top1" ? bytes->top1
                         : metric == "bytes_loss" ? bytes->loss
                                                  : static_cast<double>(file.bytes);
    if (!expectations[i].met_by(value)) {
      throw Error(ErrorKind::check, fmt::format("expected {}, found {} = {}", options.expectations[i], metric, value));
    }
  }
  return 0;
}

}  // namespace

void add_eval(CLI::App& program, Context& context) {
  auto options = std::make_shared<EvalArguments>();
  CLI::App* command =
      program.add_subcommand("eval", "measure accuracy and loss of a run, a checkpoint or a packed model");
  add_model(*command, "MODEL", options->model);
  one_of(command->add_option("--split", options->split, "which images"), {"test", "validation", "train"});
  command
      ->add_option(
          "--expect", options->expectations,
          "a check such as top1>=0.93, file_bytes<=20000 or, of a calibrated file, bytes_top1>=0.93; exit 8 if not met")
      ->type_name("CHECK");
  command->add_option("--experiment", options->experiment, "the experiment whose data to use")->type_name("YAML");
  add_device(*command, options->device);
  command->callback([&context, options] { context.action = [&context, options] { return eval(context, *options); }; });
}

}  // namespace scnn::cli
