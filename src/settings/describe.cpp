#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scnn/core/error.h"
#include "settings/schema.h"
#include "settings/settings.h"
#include "settings/write.h"

namespace scnn {
namespace {

using namespace config;

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(", "), list.size());
    out.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 2, list.size()));
  }
  return out;
}

const char* type_of_member(bool&) { return "true or false"; }
const char* type_of_member(std::int64_t&) { return "whole number"; }
const char* type_of_member(std::uint64_t&) { return "whole number"; }
const char* type_of_member(float&) { return "number"; }
const char* type_of_member(double&) { return "number"; }
const char* type_of_member(std::optional<double>&) { return "number"; }
const char* type_of_member(std::string&) { return "text"; }
const char* type_of_member(std::vector<std::string>&) { return "list of text"; }
const char* type_of_member(std::vector<double>&) { return "list of numbers"; }
const char* type_of_member(Period&) { return "{epochs: n} or {steps: n}"; }
const char* type_of_member(Extent2&) { return "whole number or [rows, columns]"; }
const char* type_of_member(PaddingMembers) { return "whole number, [rows, columns], same or valid"; }
const char* type_of_member(GroupsMembers) { return "whole number or depthwise"; }

/// Walks the table over default options and notes every key.
class Describer final : public SettingsVisitor {
 public:
  explicit Describer(std::string path) : paths_{std::move(path)} {}
  std::vector<Setting> settings;

  bool begin(const Field& field, bool& present) override {
    // A map that can also be a word is a setting of its own.
    if (!field.word.empty())
      add(field, fmt::format("map or {}", field.word), std::string(present ? "a map" : field.word));
    paths_.push_back(path_of(field.key));
    inherited_.push_back(field.types);
    return true;
  }
  void end() override {
    paths_.pop_back();
    inherited_.pop_back();
  }
  void type(std::span<const Option> options, std::size_t& /*index*/) override {
    add({.key = "type", .doc = "decides which other keys there are", .choices = options}, "choice", "");
  }
  void choice(const Field& field, std::size_t& index) override {
    add(field, "choice", std::string(field.choices[index].name));
  }
  void list(const Field& field, const ListAccess& access) override {
    add(field, "list of maps", "[]");
    access.clear();
    access.append();
    paths_.push_back(path_of(field.key) + "[]");
    inherited_.push_back(field.types);
    access.visit(0);
    end();
  }
  void set(const Field& field, Member member) override {
    const std::string type = std::visit([](auto value) { return type_of_member(value); }, member);
    if (std::holds_alternative<Ref<std::optional<double>>>(member)) return add(field, type, "the optimizer's");
    if (const auto* text = std::get_if<Ref<std::string>>(&member)) {
      return add(field, type, text->get().empty() ? "the file's name" : text->get());
    }
    Field plain = field;
    plain.types = "";
    SettingsWriter writer;
    writer.set(plain, member);
    add(field, field.word.empty() ? type : fmt::format("{} or {}", type, field.word),
        emit_flow(writer.take().entries.at(0).value));
  }

 private:
  [[nodiscard]] std::string path_of(std::string_view key) const {
    return paths_.back().empty() ? std::string(key) : paths_.back() + "." + std::string(key);
  }
  void add(const Field& field, const std::string& type, const std::string& default_value) {
    Setting setting{path_of(field.key),
                    type,
                    field.required ? "" : default_value,
                    field.range.str(),
                    std::string(field.unit),
                    std::string(field.doc),
                    {},
                    split(field.types)};
    if (setting.only_for.empty() && !inherited_.empty()) setting.only_for = split(inherited_.back());
    for (const Option& option : field.choices) {
      setting.choices.push_back({std::string(option.name), std::string(option.doc)});
    }
    settings.push_back(std::move(setting));
  }

  std::vector<std::string> paths_;
  std::vector<std::string_view> inherited_;
};

Setting structural(std::string key, std::string type, std::string default_value, std::string doc) {
  return {std::move(key), std::move(type), std::move(default_value), "", "", std::move(doc), {}, {}};
}

std::vector<Setting> describe_layer(const LayerType& type) {
  Describer describer{std::string(type.name)};
  LayerOptions options = type.defaults;
  visit(describer, options);
  for (Setting& setting : describer.settings) {
    if (setting.key == "conv2d.out") setting.default_value = "";
    if (setting.key.ends_with("pool2d.stride")) setting.default_value = "the kernel";
  }
  return describer.settings;
}

/// Keys that shape the document rather than set a value; read by document.cpp and model.cpp.
std::vector<Setting> structure() {
  return {
      structural("extends", "list of files", "[]", "files laid under this one, in this order, relative to it"),
      structural("model.file", "file", "none",
                 "a model file {parameters, input, blocks, layers}, relative to this file"),
      structural("model.parameters", "map", "{}", "values for ${name} in the model"),
      structural("model.input", "[channels, rows, columns]", "", "shape of an image"),
      structural("model.init", "map", "none", "trained weights that training starts from: {from: FILE}"),
      structural(
          "model.blocks", "map", "{}",
          "layers to use many times: {name: {parameters: {out: null}, layers: [...]}}, used as {type: name, out: 64}"),
      structural("model.layers", "list of maps", "", "the network, first layer first"),
      structural("model.layers[].type", "text", "", "a layer type, residual or a block"),
      structural("model.layers[].name", "text", "<type>_<index>", "names the layer; unique"),
      structural("model.layers[].input", "name or list of names", "the layer before",
                 "what the layer reads; 'input' is what the list receives"),
      structural(
          "sweep.axes", "map", "{}",
          "{key: values}: every combination is a point of `scnn sweep`; values are a list, or drawn `samples` times "
          "from {log_uniform: [min, max]}, {uniform: [min, max]} or {choice: [values]}; a point's seeds make one "
          "row, with mean and deviation"),
      structural("sweep.points", "list of maps", "[]",
                 "points that no grid makes, each {key: value, ...}; with axes beside it, each goes with every "
                 "combination of them"),
      structural("sweep.baseline", "map", "none",
                 "{key: value, ...} on the file itself: run once for each seed, to compare with"),
      structural("residual.layers", "list of maps", "", "the branch; its output is added to the input"),
      structural("residual.projection", "list of maps", "none", "layers on the skip, where shapes differ"),
  };
}

const std::vector<std::pair<std::string, std::string>>& type_keys() {
  static const std::vector<std::pair<std::string, std::string>> keys = {{"optimizers", "train.optimizer"},
                                                                        {"schedules", "train.schedule"},
                                                                        {"data", "data"},
                                                                        {"augmentations", "data.augment[]"},
                                                                        {"compressions", "compression"}};
  return keys;
}

std::string print(const Setting& setting) {
  std::string out = setting.key + "  (" + setting.type;
  if (!setting.range.empty()) out += ", " + setting.range;
  if (!setting.unit.empty()) out += ", in " + setting.unit;
  out += setting.default_value.empty() ? ", required)" : ", default " + setting.default_value + ")";
  out += "\n    " + setting.doc + "\n";
  if (!setting.only_for.empty()) out += "    exists for type " + join(setting.only_for) + "\n";
  for (const SettingChoice& choice : setting.choices) {
    out += fmt::format("    - {:<17} {}", choice.name, choice.doc);
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  return out;
}

std::string without_brackets(std::string key) {
  for (std::size_t at = key.find("[]"); at != std::string::npos; at = key.find("[]")) key.erase(at, 2);
  return key;
}

}  // namespace

std::vector<Setting> describe_settings() {
  Describer describer{""};
  Experiment defaults;
  visit(describer, defaults);
  std::vector<Setting> out = std::move(describer.settings);
  Describer sweep{"sweep"};
  SweepDraws draws;
  visit(sweep, draws);
  for (Setting& setting : sweep.settings) out.push_back(std::move(setting));
  for (Setting& setting : structure()) out.push_back(std::move(setting));
  Describer init{"model.init"};
  InitialWeights weights;
  visit(init, weights);
  for (Setting& setting : init.settings) out.push_back(std::move(setting));
  for (const LayerType& type : layer_types()) {
    for (Setting& setting : describe_layer(type)) out.push_back(std::move(setting));
  }
  return out;
}

std::vector<std::string> component_kinds() {
  std::vector<std::string> out = {"layers"};
  for (const auto& entry : type_keys()) out.push_back(entry.first);
  return out;
}

std::vector<Component> list_components(std::string_view kind) {
  std::vector<Component> out;
  if (kind == "layers") {
    for (const LayerType& type : layer_types()) {
      out.push_back({std::string(type.name), std::string(type.doc), describe_layer(type)});
    }
    Component residual{"residual", "its input plus a list of layers on it", {}};
    for (Setting& setting : structure()) {
      if (setting.key.starts_with("residual.")) residual.settings.push_back(std::move(setting));
    }
    out.push_back(std::move(residual));
    return out;
  }
  const auto& keys = type_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& entry) { return entry.first == kind; });
  if (found == keys.end()) {
    const std::vector<std::string> kinds = component_kinds();
    const std::string hint = did_you_mean(kind, kinds);
    throw Error(ErrorKind::usage,
                fmt::format("unknown kind '{}'{}; kinds: {}", kind, hint.empty() ? "" : ": " + hint, join(kinds)));
  }
  const std::vector<Setting> settings = describe_settings();
  const std::string prefix = found->second + ".";
  const auto type = std::find_if(settings.begin(), settings.end(),
                                 [&](const Setting& setting) { return setting.key == prefix + "type"; });
  for (const SettingChoice& choice : type->choices) {
    Component component{choice.name, choice.doc, {}};
    for (const Setting& setting : settings) {
      const auto& only = setting.only_for;
      const bool fits = only.empty() || std::find(only.begin(), only.end(), choice.name) != only.end();
      // Lists inside have types of their own.
      const bool own = setting.key.starts_with(prefix) && setting.key.find("[].", prefix.size()) == std::string::npos;
      if (own && fits && setting.key != type->key) component.settings.push_back(setting);
    }
    out.push_back(std::move(component));
  }
  return out;
}

std::string explain(const std::string& wanted) {
  const std::vector<Setting> settings = describe_settings();
  const std::string plain = without_brackets(wanted);
  std::vector<const Setting*> exact, inside, ending;
  std::vector<std::string> names;
  for (const Setting& setting : settings) {
    const std::string key = without_brackets(setting.key);
    if (key == plain) exact.push_back(&setting);
    if (key.starts_with(plain + ".")) inside.push_back(&setting);
    if (key.ends_with("." + plain)) ending.push_back(&setting);
    names.push_back(setting.key);
    names.push_back(setting.key.substr(setting.key.rfind('.') + 1));
  }
  std::string out;
  for (const std::string& kind : component_kinds()) {
    for (const Component& component : list_components(kind)) {
      names.push_back(component.name);
      if (component.name != wanted) continue;
      out += fmt::format("{}  ({})\n    {}\n\n", component.name, kind, component.doc);
      for (const Setting& setting : component.settings) out += print(setting);
    }
  }
  if (!out.empty()) return out;
  exact.insert(exact.end(), inside.begin(), inside.end());
  for (const Setting* setting : exact.empty() ? ending : exact) out += print(*setting);
  if (!out.empty()) return out;
  const std::string hint = did_you_mean(wanted, names);
  throw Error(ErrorKind::usage, fmt::format("no key or component is called '{}'{}", wanted,
                                            hint.empty() ? "; 'scnn list' shows all" : ": " + hint));
}

}  // namespace scnn
