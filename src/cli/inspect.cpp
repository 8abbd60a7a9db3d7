#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/escape.h"
#include "report/report.h"
#include "run/model_file.h"
#include "run/network_table.h"
#include "scnn/run/run.h"

namespace scnn::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectArguments {
  std::string file, channels;
};

/// A layer's output channels as integers, with their original indices; empty integers for float weights.
struct Channels {
  std::vector<std::int32_t> original;
  std::vector<IntegerChannel> values;
};

/// What inspect shows, whatever it was pointed at.
struct Findings {
  Json json;
  std::string text;
};

void show_channels(Findings& findings, const std::string& layer, const Channels& channels) {
  Json list = Json::array();
  std::vector<std::vector<std::string>> table = {{"channel", "bits", "scale", "lowest", "highest", "zeros", "weights"}};
  for (std::size_t i = 0; i < channels.values.size(); ++i) {
    const IntegerChannel& c = channels.values[i];
    const auto [low, high] = std::minmax_element(c.integers.begin(), c.integers.end());
    const auto zeros = std::count(c.integers.begin(), c.integers.end(), 0);
    const std::int32_t lowest = c.integers.empty() ? 0 : *low, highest = c.integers.empty() ? 0 : *high;
    list.push_back({{"channel", channels.original[i]},
                    {"bits", c.bits},
                    {"scale", c.scale},
                    {"lowest", lowest},
                    {"highest", highest},
                    {"zeros", zeros},
                    {"weights", c.integers.size()}});
    table.push_back({std::to_string(channels.original[i]), fmt::format("{:.2f}", c.bits),
                     fmt::format("{:.3g}", c.scale), std::to_string(lowest), std::to_string(highest),
                     std::to_string(zeros), std::to_string(c.integers.size())});
  }
  findings.json["channels"] = {{"layer", layer}, {"list", list}};
  findings.text += fmt::format("\nchannels of {}\n", layer) +
                   (channels.values.empty() ? "float weights: no integers\n" : text_table(table));
}

[[noreturn]] void no_such_layer(const std::string& layer, const std::vector<std::string>& known) {
  // A NUL in a name would end the message.
  throw Error(ErrorKind::usage, escape_control_characters(fmt::format("no layer '{}' with weights; there are {}", layer,
                                                                      fmt::join(known, ", "))));
}

void inspect_packed(Findings& findings, const ModelFile& file, const std::string& channels) {
  const PackedModel& model = *file.packed;
  const std::vector<FilePart> parts = account(model);
  const std::vector<SetId> sets = node_sets(model.network);
  Json layers = Json::array();
  std::vector<std::vector<std::string>> table = {
      {"layer", "type", "channels", "of", "weights", "bits a weight", "file bytes"}};
  std::vector<std::string> weighted;
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    const LayerSpec& spec = model.network[i];
    const ChannelSet& set = model.sets.at(static_cast<std::size_t>(sets[i]));
    const FilePart& part = parts.at(i + 1);
    const bool has_weights = part.weights > 0;
    if (has_weights) weighted.push_back(spec.name);
    const double bits = has_weights ? static_cast<double>(part.packed_bits) / static_cast<double>(part.weights) : 0.0;
    layers.push_back({{"name", spec.name},
                      {"type", type_name(spec.options)},
                      {"channels", set.size()},
                      {"original_channels", set.original()},
                      {"weights", part.weights},
                      {"packed_bits", part.packed_bits},
                      {"file_bytes", part.total()}});
    table.push_back({spec.name, type_name(spec.options), std::to_string(set.size()), std::to_string(set.original()),
                     has_weights ? grouped(part.weights) : "", has_weights ? fmt::format("{:.2f}", bits) : "",
                     grouped(static_cast<std::int64_t>(part.total()))});
  }
  findings.json["kind"] = "packed";
  findings.json["file"] = file.path.string();
  findings.json["file_bytes"] = file.bytes;
  findings.json["name"] = model.name;
  findings.json["classes"] = model.class_names;
  findings.json["layers"] = layers;
  findings.text +=
      fmt::format("packed model '{}', {} bytes: {}\n\n", model.name, grouped(file.bytes), file.path.string()) +
      text_table(table, 1);
  if (channels.empty()) return;
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    if (model.network[i].name != channels || model.layers[i].shape.rank() == 0) continue;
    const auto live = model.sets.at(static_cast<std::size_t>(sets[i])).live();
    show_channels(findings, channels, {{live.begin(), live.end()}, model.layers[i].channels});
    return;
  }
  no_such_layer(channels, weighted);
}

void inspect_checkpoint(Findings& findings, const ModelFile& file, const std::string& channels) {
  const std::unique_ptr<Backend> backend = make_backend(DeviceOptions{"cpu", 0});
  const RestoredModel restored = restore_model(file, *backend);
  Graph& graph = *restored.graph;
  const std::vector<LayerStatus> layers = restored.meter.layers(graph);
  const SizeStatus size = restored.meter.total(graph, layers);
  Json list = Json::array();
  std::vector<std::vector<std::string>> table = {
      {"layer", "channels", "of", "weights", "of", "bits a weight", "packed bytes"}};
  std::vector<std::string> weighted;
  for (const LayerStatus& l : layers) {
    weighted.push_back(l.layer);
    list.push_back({{"name", l.layer},
                    {"channels", l.channels.size()},
                    {"original_channels", l.original_channels},
                    {"weights", l.live_weights},
                    {"original_weights", l.original_weights},
                    {"learned_bits", l.learned_bits},
                    {"packed_bits", l.packed_bits}});
    const double mean = l.live_weights > 0 ? l.learned_bits / static_cast<double>(l.live_weights) : 0.0;
    table.push_back({l.layer, std::to_string(l.channels.size()), std::to_string(l.original_channels),
                     grouped(l.live_weights), grouped(l.original_weights), fmt::format("{:.2f}", mean),
                     grouped((l.packed_bits + 7) / 8)});
  }
  const Json state = Json::parse(file.checkpoint->file.metadata.at("state"), nullptr, false);
  const std::int64_t step = state.is_object() && state.contains("step") ? state["step"].get<std::int64_t>() : 0;
  findings.json["kind"] = "checkpoint";
  findings.json["file"] = file.path.string();
  findings.json["file_bytes"] = file.bytes;
  findings.json["name"] = file.experiment->name;
  findings.json["step"] = step;
  findings.json["layers"] = list;
  findings.json["size"] = {{"original_weights", size.original_weights},
                           {"live_weights", size.live_weights},
                           {"learned_bits", size.learned_bits},
                           {"packed_bits", size.packed_bits},
                           {"macs", size.macs},
                           {"original_macs", size.original_macs}};
  findings.text +=
      fmt::format("checkpoint of '{}' at step {}: {}\n\n", file.experiment->name, grouped(step), file.path.string()) +
      text_table(table) +
      fmt::format("\n{} of {} weights live, {} of {} multiply-adds an image, packed weights {} bytes\n",
                  grouped(size.live_weights), grouped(size.original_weights), grouped(size.macs),
                  grouped(size.original_macs), grouped((size.packed_bits + 7) / 8));
  if (channels.empty()) return;
  for (const int node : graph.weighted_nodes()) {
    const Graph::Node& n = graph.nodes()[static_cast<std::size_t>(node)];
    if (n.spec.name != channels) continue;
    const Weights& weights = *n.layer->weights();
    const auto live = graph.sets()[n.edge.set].live();
    Channels values{{live.begin(), live.end()}, {}};
    if (weights.quantizer) values.values = weights.quantizer->integers(*backend, weights.parameter);
    show_channels(findings, channels, values);
    return;
  }
  no_such_layer(channels, weighted);
}

void inspect_run(Findings& findings, const std::string& path) {
  const ReportRun run = load_report_run(path);
  const char* state = run.abandoned ? "cut off" : to_string(run.info.state);
  Json json = {{"path", run.path.string()},   {"name", run.info.name},
               {"method", run.info.method},   {"state", state},
               {"started", run.info.started}, {"epochs", run.history.epochs.size()}};
  findings.text += fmt::format("run {} ({}), {}, started {}, {} epochs\n", run.path.string(), run.info.method, state,
                               run.info.started, run.history.epochs.size());
  if (!run.info.message.empty()) findings.text += run.info.message + "\n";
  if (const auto& origin = run.info.origin) {
    json["origin"] = {{"run", origin->run}, {"step", origin->step}, {"changed", origin->changed}};
    findings.text += fmt::format(
        "forked from {} at step {}; {}\n", origin->run, origin->step,
        origin->changed.empty() ? "no setting changed" : fmt::format("{}", fmt::join(origin->changed, ", ")));
  }
  if (run.result) {
    json["result"] = Json::parse(result_json(*run.result));
    findings.text +=
        fmt::format("test top-1 {:.2f}%, model.scnn {} bytes ({:.2f}% of the original)\n",
                    100.0 * run.result->test.top1, grouped(run.result->file_bytes), run.result->file_percent());
  }
  findings.json["run"] = std::move(json);
  findings.text += "\n";
}

int inspect(const Context& context, const InspectArguments& options) {
  Findings findings;
  if (std::filesystem::is_directory(options.file)) inspect_run(findings, options.file);
  const ModelFile file = open_model(options.file);
  if (file.packed) {
    inspect_packed(findings, file, options.channels);
  } else {
    inspect_checkpoint(findings, file, options.channels);
  }
  // Names in a file may hold anything.
  std::cout << (context.json ? findings.json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n"
                             : escape_control_characters(findings.text));
  return 0;
}

}  // namespace

void add_inspect(CLI::App& program, Context& context) {
  auto options = std::make_shared<InspectArguments>();
  CLI::App* command =
      program.add_subcommand("inspect", "show layers, channels, bits and bytes of a run or a model file");
  add_model(*command, "FILE", options->file);
  command->add_option("--channels", options->channels, "list this layer's channels too")->type_name("LAYER");
  command->callback(
      [&context, options] { context.action = [&context, options] { return inspect(context, *options); }; });
}

}  // namespace scnn::cli
