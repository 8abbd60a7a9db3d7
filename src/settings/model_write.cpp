#include "settings/model.h"
#include "settings/write.h"

namespace scnn::config {

Node write_model(const NetworkSpec& network) {
  Node model, layers, input;
  model.kind = Kind::map;
  layers.kind = input.kind = Kind::sequence;
  for (const LayerSpec& layer : network) {
    if (const auto* spec = std::get_if<InputSpec>(&layer.options)) {
      for (const std::int64_t size : {spec->channels, spec->h, spec->w})
        input.items.push_back(text_node(std::to_string(size)));
      continue;
    }
    SettingsWriter writer;
    LayerOptions options = layer.options;
    visit(writer, options);
    Node map, inputs;
    map.kind = Kind::map;
    inputs.kind = Kind::sequence;
    for (const int node : layer.inputs) {
      inputs.items.push_back(text_node(network.at(static_cast<std::size_t>(node)).name, true));
    }
    put(map, "name", text_node(layer.name, true));
    put(map, "type", text_node(type_name(layer.options)));
    put(map, "input", inputs.items.size() == 1 ? inputs.items[0] : inputs);
    for (Entry& entry : writer.take().entries) map.entries.push_back(std::move(entry));
    layers.items.push_back(std::move(map));
  }
  put(model, "input", std::move(input));
  put(model, "layers", std::move(layers));
  return model;
}

}  // namespace scnn::config
