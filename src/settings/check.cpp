#include "settings/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/source_locations.h"
#include "scnn/compress/method.h"
#include "scnn/compress/quantizer.h"
#include "scnn/data/catalogue.h"
#include "scnn/train/optimizer.h"

namespace scnn {
namespace config {

SourceLocation SourceLocations::setting(std::string path) const {
  while (!path.empty()) {
    if (const auto found = settings.find(path); found != settings.end()) return found->second;
    const std::size_t end = path.find_last_of(".[");
    path.resize(end == std::string::npos ? 0 : end);
  }
  return document;
}

void add_mistakes(const SettingsError& error, const Experiment& experiment, Diagnostics& diagnostics) {
  const SourceLocations nowhere;
  const SourceLocations& locations = experiment.locations ? *experiment.locations : nowhere;
  for (const Mistake& mistake : error.mistakes()) {
    const auto layer = static_cast<std::size_t>(mistake.layer);
    if (mistake.layer < 0) {
      const std::size_t dot = mistake.setting.rfind('.');
      diagnostics.add({Code::conflict, mistake.setting + ": " + mistake.message, locations.setting(mistake.setting),
                       dot == std::string::npos ? "" : mistake.setting.substr(0, dot), "", ""});
    } else {
      const SourceLocation place = layer < locations.layers.size() ? locations.layers[layer] : locations.document;
      diagnostics.add({Code::network, mistake.message, place, "model", "", ""});
    }
  }
}

namespace {

/// The last layer that makes channels of its own: what decides the number of logits.
std::size_t logits_layer(const Graph& graph) {
  return static_cast<std::size_t>(
      graph.sets().entries.at(static_cast<std::size_t>(graph.nodes().back().edge.set)).node);
}

std::string classes_differ(const std::string& layer, std::int64_t logits, const std::string& data,
                           std::int64_t classes) {
  return fmt::format("layer '{}' makes {} logits, {} has {} classes", layer, logits, data, classes);
}

void check_classes(const Graph& graph, const Experiment& experiment, Diagnostics& diagnostics) {
  const DataShape data = data_shape(experiment.data);
  if (data.classes == 0 || graph.classes() == data.classes) return;
  const std::size_t layer = logits_layer(graph);
  SourceLocation place;
  if (experiment.locations) {
    place = layer < experiment.locations->outs.size() ? experiment.locations->outs[layer] : SourceLocation{};
    if (!place.source)
      place = layer < experiment.locations->layers.size() ? experiment.locations->layers[layer] : SourceLocation{};
  }
  const LayerSpec& spec = graph.nodes()[layer].spec;
  const bool has_out =
      std::holds_alternative<LinearSpec>(spec.options) || std::holds_alternative<Conv2dSpec>(spec.options);
  diagnostics.add({Code::network, classes_differ(spec.name, graph.classes(), experiment.data.type, data.classes), place,
                   "model", has_out ? fmt::format("set out to {}", data.classes) : "one logit for each class", ""});
}

}  // namespace

void check_network(const Experiment& experiment, Diagnostics& diagnostics) {
  const auto gather = [&](const std::function<void()>& work) {
    try {
      work();
    } catch (const SettingsError& error) {
      add_mistakes(error, experiment, diagnostics);
    }
  };
  const std::unique_ptr<Backend> backend = backend_for(Device{}, {1});
  std::unique_ptr<Graph> graph;
  gather([&] { graph = std::make_unique<Graph>(experiment.model, *backend); });
  if (!graph) return;
  check_classes(*graph, experiment, diagnostics);
  gather([&] {
    attach_quantizers(*graph, experiment.compression);
    const bool any = std::ranges::any_of(graph->weighted_nodes(), [&](int index) {
      return graph->nodes()[static_cast<std::size_t>(index)].layer->weights()->quantizer != nullptr;
    });
    if (!any && make_method(experiment.compression)->quantizes()) {
      throw SettingsError("compression.exclude", "include and exclude leave no layer to compress: type none says that");
    }
  });
  gather([&] { const Optimizer groups(*graph, experiment.train.optimizer, experiment.train.schedule, 1); });
}

}  // namespace config

void check_experiment(const Experiment& experiment) {
  config::Diagnostics diagnostics;
  config::check_network(experiment, diagnostics);
  diagnostics.raise();
}

void with_locations(const Experiment& experiment, const std::function<void()>& work) {
  try {
    work();
  } catch (const SettingsError& error) {
    config::Diagnostics diagnostics;
    config::add_mistakes(error, experiment, diagnostics);
    diagnostics.raise();
  }
}

void check_fits(const Graph& graph, const Dataset& data) {
  const auto& input = std::get<InputSpec>(graph.nodes().front().spec.options);
  if (input.channels != data.channels || input.h != data.h || input.w != data.w) {
    throw SettingsError(
        "model.input",
        fmt::format("the network takes [{}, {}, {}], images of {} are [{}, {}, {}]: write input: [{}, {}, {}]",
                    input.channels, input.h, input.w, data.name, data.channels, data.h, data.w, data.channels, data.h,
                    data.w));
  }
  if (graph.classes() != data.classes) {
    const LayerSpec& spec = graph.nodes()[config::logits_layer(graph)].spec;
    throw SettingsError("model", config::classes_differ(spec.name, graph.classes(), data.name, data.classes) +
                                     ": make one logit for each class");
  }
}

}  // namespace scnn
