#include "settings/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "settings/read.h"

namespace scnn::config {
namespace {

constexpr std::size_t most_nodes = 10'000;
constexpr const char* input_name = "input";

struct TooLarge {};

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
}

/// The names visible to the layers of one list; `input` is what the list receives.
struct Scope {
  std::string prefix;
  int input = 0;
  const Scope* outer = nullptr;
  std::map<std::string, int> names = {};

  [[nodiscard]] int find(const std::string& name) const {
    if (name == input_name) return input;
    for (const Scope* scope = this; scope; scope = scope->outer) {
      if (const auto found = scope->names.find(name); found != scope->names.end()) return found->second;
    }
    return -1;
  }
  [[nodiscard]] std::vector<std::string> known() const {
    std::vector<std::string> out = {input_name};
    for (const Scope* scope = this; scope; scope = scope->outer) {
      for (const auto& entry : scope->names) out.push_back(entry.first);
    }
    return out;
  }
};

class Builder {
 public:
  Builder(Resolver& resolver, SourceLocations& locations, Diagnostics& diagnostics)
      : resolver_(resolver), locations_(locations), diagnostics_(diagnostics) {}

  NetworkSpec build(const Node& model) {
    check_keys(model, "model", {"parameters", "input", "init", "blocks", "layers"});
    parameters_ = read_parameters(model);
    read_input(model);
    read_blocks(model);
    const Node* layers = model.find("layers");
    if (!layers) {
      report(Code::missing, model.place, "the key 'layers' is missing", "model", "the layers of the network, a list");
      return network_;
    }
    Scope scope;
    try {
      expand(resolver_.resolve(*layers, parameters_), scope, "model.layers");
    } catch (const TooLarge&) {
      report(Code::network, layers->place, fmt::format("more than {} layers", most_nodes), "model.layers");
    }
    return network_;
  }

 private:
  struct Item {
    const Node* map;
    std::string type, name, path;
    std::vector<int> inputs;
    SourceLocation place;
  };

  void report(Code code, const SourceLocation& place, const std::string& message, const std::string& context,
              const std::string& note = "", const std::string& footer = "") {
    diagnostics_.add({code, message, place, context, note, footer});
  }

  void check_keys(const Node& map, const std::string& path, const std::vector<std::string>& known) {
    for (const Entry& entry : map.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      report(Code::unknown_key, entry.place, fmt::format("unknown key '{}'", entry.key), path,
             did_you_mean(entry.key, known), "known keys here: " + join(known));
    }
  }

  bool expect(const Node& node, Kind kind, const std::string& what, const std::string& path) {
    if (node.kind == kind) return true;
    if (node.kind != Kind::invalid) {
      report(Code::wrong_type, node.place, fmt::format("{}, not {}", what, node.describe()), path);
    }
    return false;
  }

  Parameters read_parameters(const Node& model) {
    Parameters out;
    const Node* parameters = model.find("parameters");
    if (!parameters || !expect(*parameters, Kind::map, "'parameters' must be a map", "model")) return out;
    for (const Entry& entry : parameters->entries) {
      Node value = resolver_.resolve(entry.value, out);
      if (value.kind == Kind::null) {
        report(Code::missing, entry.place, fmt::format("the parameter '{}' has no value", entry.key),
               "model.parameters", "it has no default");
        value.kind = Kind::invalid;
      }
      out.emplace_back(entry.key, std::move(value));
    }
    return out;
  }

  void read_input(const Node& model) {
    InputSpec spec;
    SourceLocation place = model.place;
    if (const Node* given = model.find("input")) {
      place = given->place;
      const Node node = resolver_.resolve(*given, parameters_);
      std::vector<std::int64_t> sizes;
      bool good = node.kind == Kind::sequence && node.items.size() == 3;
      for (const Node& item : node.items) {
        std::int64_t size = 0;
        if (item.kind == Kind::invalid) return add_input(spec, place);
        const bool digits =
            item.kind == Kind::scalar && !item.quoted && !item.text.empty() && item.text.size() < 6 &&
            std::all_of(item.text.begin(), item.text.end(), [](unsigned char c) { return std::isdigit(c); });
        if (digits) size = std::stoll(item.text);
        good = good && size >= 1 && size <= 65536;
        sizes.push_back(size);
      }
      if (good) {
        spec = {sizes[0], sizes[1], sizes[2]};
      } else if (node.kind != Kind::invalid) {
        report(Code::wrong_type, place, "'input' must be [channels, rows, columns], each in [1, 65536]", "model");
      }
    } else {
      report(Code::missing, place, "the key 'input' is missing", "model", "write input: [channels, rows, columns]");
    }
    add_input(spec, place);
  }

  void add_input(const InputSpec& spec, const SourceLocation& place) {
    network_.push_back({input_name, spec, {}, place.str()});
    locations_.layers.push_back(place);
    locations_.outs.emplace_back();
    channels_.push_back(spec.channels);
  }

  void read_blocks(const Node& model) {
    const Node* blocks = model.find("blocks");
    if (!blocks || !expect(*blocks, Kind::map, "'blocks' must be a map of block names", "model")) return;
    for (const Entry& entry : blocks->entries) {
      const std::string path = "model.blocks." + entry.key;
      const auto types = layer_types();
      const bool taken = entry.key == "residual" || std::any_of(types.begin(), types.end(), [&](const LayerType& type) {
                           return type.name == entry.key;
                         });
      if (taken)
        report(Code::block, entry.place, fmt::format("'{}' is a layer type", entry.key), path, "choose another name");
      if (!expect(entry.value, Kind::map, "a block must be a map {parameters, layers}", path)) continue;
      check_keys(entry.value, path, {"parameters", "layers"});
      if (!entry.value.find("layers")) {
        report(Code::missing, entry.value.place, "the key 'layers' is missing", path,
               "the layers of the block, a list");
        continue;
      }
      const Node* parameters = entry.value.find("parameters");
      if (parameters && expect(*parameters, Kind::map, "'parameters' must be a map", path)) {
        for (const Entry& parameter : parameters->entries) {
          if (parameter.key != "name" && parameter.key != "type" && parameter.key != "input") continue;
          report(Code::block, parameter.place, fmt::format("a parameter cannot be called '{}'", parameter.key), path,
                 "every layer has that key");
        }
      }
      blocks_.emplace(entry.key, &entry.value);
    }
  }

  /// Adds the layers of a list; returns the node of the last one, or the list's input if there is none.
  int expand(const Node& layers, Scope& scope, const std::string& path) {
    int last = scope.input;
    if (!expect(layers, Kind::sequence, "the layers must be a list", path)) return last;
    if (layers.items.empty()) report(Code::network, layers.place, "no layers", path, "a list needs at least one");
    const std::size_t start = network_.size();
    for (std::size_t i = 0; i < layers.items.size(); ++i) {
      const Node& node = layers.items[i];
      if (node.kind == Kind::invalid) continue;
      if (!expect(node, Kind::map, "a layer must be a map such as {type: relu}", path)) continue;
      last = expand_item(node, i, network_.size() - start, last, scope, path);
    }
    return last;
  }

  int expand_item(const Node& map, std::size_t index, std::size_t count, int previous, Scope& scope,
                  const std::string& path) {
    Item item{&map, "", "", "", {}, map.place};
    item.path = fmt::format("{}[{}]", path, index);
    const Node* type = map.find("type");
    if (!type) {
      report(Code::missing, map.place, "the key 'type' is missing", item.path, "a layer type or a block",
             "known: " + join(known_types()));
    } else if (type->kind == Kind::scalar) {
      item.type = type->text;
    } else {
      expect(*type, Kind::scalar, "'type' must be text", item.path);
    }
    std::string local = fmt::format("{}_{}", item.type.empty() ? "layer" : item.type, count);
    if (const Node* name = map.find("name"); name && name->kind != Kind::invalid) {
      if (name->kind == Kind::scalar && good_name(name->text) && name->text != input_name) {
        local = name->text;
      } else {
        report(Code::network, name->place, "a layer's name is letters, digits, '_', '-' and '.', and not 'input'",
               item.path);
      }
    }
    item.name = scope.prefix + local;
    item.path = fmt::format("{}[{}] ({})", path, index, item.name);
    if (const auto [first, fresh] = used_.emplace(item.name, map.place); !fresh) {
      report(Code::network, (map.find("name") ? map.find("name") : &map)->place,
             fmt::format("two layers are called '{}'", item.name), item.path, "the first is at " + first->second.str());
    }
    item.inputs = read_inputs(item, previous, scope);
    const int node = item.type == "residual"       ? residual(item, scope)
                     : blocks_.contains(item.type) ? block(item)
                                                   : layer(item);
    scope.names[local] = node;
    return node;
  }

  std::vector<int> read_inputs(const Item& item, int previous, const Scope& scope) {
    const Node* given = item.map->find("input");
    if (!given) return {previous};
    const std::vector<Node> names = given->kind == Kind::sequence ? given->items : std::vector<Node>{*given};
    std::vector<int> inputs;
    for (const Node& name : names) {
      if (name.kind == Kind::invalid) continue;
      if (!expect(name, Kind::scalar, "'input' must be the name of an earlier layer, or a list of names", item.path))
        continue;
      const int node = scope.find(name.text);
      if (node >= 0) {
        inputs.push_back(node);
        continue;
      }
      report(Code::network, name.place, fmt::format("no earlier layer is called '{}'", name.text), item.path,
             did_you_mean(name.text, scope.known()),
             "a layer reads layers that stand before it; input is what the list receives");
    }
    if (names.empty()) {
      report(Code::network, given->place, "'input' is an empty list", item.path, "name a layer, or remove the key");
    }
    // Broken names are reported; the chain stands in for them.
    return inputs.empty() ? std::vector<int>{previous} : inputs;
  }

  void check_inputs(const Item& item, std::size_t min, std::size_t max) {
    if (item.inputs.size() >= min && item.inputs.size() <= max) return;
    const Node* given = item.map->find("input");
    report(Code::network, given ? given->place : item.place,
           fmt::format("{} takes {}, not {}", item.type, min == 1 ? "one input" : "two inputs or more",
                       item.inputs.size()),
           item.path, min == 1 ? "" : "write input: [a, b]");
  }

  int push(const Item& item, const LayerOptions& options, std::int64_t channels, std::vector<int> inputs) {
    if (network_.size() > most_nodes) throw TooLarge{};
    network_.push_back({item.name, options, std::move(inputs), item.place.str()});
    locations_.layers.push_back(item.place);
    const Node* out = item.map->find("out");
    locations_.outs.push_back(out ? out->place : SourceLocation{});
    channels_.push_back(channels);
    return static_cast<int>(network_.size() - 1);
  }

  int layer(const Item& item) {
    const auto types = layer_types();
    const auto type = std::find_if(types.begin(), types.end(), [&](const LayerType& t) { return t.name == item.type; });
    std::int64_t channels = channels_.at(static_cast<std::size_t>(item.inputs[0]));
    if (type == types.end()) {
      const Node* node = item.map->find("type");
      if (node && node->kind == Kind::scalar) {
        report(Code::unknown_choice, node->place, fmt::format("unknown layer type '{}'", item.type), item.path,
               did_you_mean(item.type, known_types()), "known: " + join(known_types()));
      }
      return push(item, ReluSpec{}, channels, {item.inputs[0]});
    }
    LayerOptions options = type->defaults;
    SettingsReader reader(*item.map, item.path, {"name", "type", "input"}, diagnostics_);
    visit(reader, options);
    reader.finish();
    check_inputs(item, type->min_inputs, type->max_inputs);
    if (auto* conv = std::get_if<Conv2dSpec>(&options)) {
      if (conv->depthwise && conv->out == 0) conv->out = channels;
      channels = conv->out;
    } else if (const auto* linear = std::get_if<LinearSpec>(&options)) {
      channels = linear->out;
    } else if (std::holds_alternative<ConcatSpec>(options)) {
      channels = 0;
      for (const int input : item.inputs) channels += channels_.at(static_cast<std::size_t>(input));
    }
    return push(item, options, channels, item.inputs);
  }

  /// input + layers(input), or projection(input) + layers(input).
  int residual(const Item& item, const Scope& scope) {
    check_keys(*item.map, item.path, {"name", "type", "input", "layers", "projection"});
    check_inputs(item, 1, 1);
    int skip = item.inputs[0], branch = skip;
    if (const Node* projection = item.map->find("projection")) {
      Scope inner{item.name + ".projection.", item.inputs[0], &scope};
      skip = expand(*projection, inner, item.path + ".projection");
    }
    if (const Node* layers = item.map->find("layers")) {
      Scope inner{item.name + ".", item.inputs[0], &scope};
      branch = expand(*layers, inner, item.path + ".layers");
    } else {
      report(Code::missing, item.place, "the key 'layers' is missing", item.path, "the branch beside the skip, a list");
    }
    return push(item, AddSpec{}, channels_.at(static_cast<std::size_t>(skip)), {skip, branch});
  }

  int block(const Item& item) {
    const Node& definition = *blocks_.at(item.type);
    check_inputs(item, 1, 1);
    if (std::find(open_blocks_.begin(), open_blocks_.end(), item.type) != open_blocks_.end()) {
      report(Code::block, item.place, fmt::format("the block '{}' contains itself", item.type), item.path, "",
             join(open_blocks_, " -> ") + " -> " + item.type);
      return item.inputs[0];
    }
    Parameters values;
    std::vector<std::string> known = {"name", "type", "input"};
    const Node* parameters = definition.find("parameters");
    if (parameters && parameters->kind == Kind::map) {
      for (const Entry& parameter : parameters->entries) {
        known.push_back(parameter.key);
        const Node* given = item.map->find(parameter.key);
        Parameters visible = values;
        visible.insert(visible.end(), parameters_.begin(), parameters_.end());
        Node value = given ? *given : resolver_.resolve(parameter.value, visible);
        if (value.kind == Kind::null) {
          report(Code::missing, item.place, fmt::format("the key '{}' is missing", parameter.key), item.path,
                 fmt::format("the block '{}' has no default for it", item.type));
          value.kind = Kind::invalid;
        }
        values.emplace_back(parameter.key, std::move(value));
      }
    }
    check_keys(*item.map, item.path, known);
    values.insert(values.end(), parameters_.begin(), parameters_.end());
    open_blocks_.push_back(item.type);
    // A block sees its own layers only: what it means must not depend on where it is used.
    Scope inner{item.name + ".", item.inputs[0]};
    const int last = expand(resolver_.resolve(*definition.find("layers"), values), inner, item.path);
    open_blocks_.pop_back();
    return last;
  }

  std::vector<std::string> known_types() const {
    std::vector<std::string> out;
    for (const LayerType& type : layer_types()) out.emplace_back(type.name);
    out.emplace_back("residual");
    for (const auto& block : blocks_) out.push_back(block.first);
    return out;
  }

  Resolver& resolver_;
  SourceLocations& locations_;
  Diagnostics& diagnostics_;
  NetworkSpec network_;
  std::vector<std::int64_t> channels_;  ///< of each node's output
  Parameters parameters_;
  std::map<std::string, const Node*> blocks_;
  std::vector<std::string> open_blocks_;
  std::map<std::string, SourceLocation> used_;
};

}  // namespace

NetworkSpec read_model(const Node& model, Resolver& resolver, SourceLocations& locations, Diagnostics& diagnostics) {
  return Builder(resolver, locations, diagnostics).build(model);
}

}  // namespace scnn::config
