// The table of settings as a JSON Schema, for editors.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

#include "core/json_text.h"
#include "settings/schema.h"
#include "settings/settings.h"
#include "settings/write.h"

namespace scnn {
namespace {

using namespace config;

Json to_json(const Node& node) {
  if (node.kind == Kind::sequence) {
    Json list = Json::array();
    for (const Node& item : node.items) list.push_back(to_json(item));
    return list;
  }
  if (node.kind == Kind::map) {
    Json map = Json::object();
    for (const Entry& entry : node.entries) map[entry.key] = to_json(entry.value);
    return map;
  }
  Json value = node.quoted ? Json(node.text) : Json::parse(node.text, nullptr, false);
  return value.is_discarded() ? Json(node.text) : value;
}

Json number(const config::NumberRange& range, const char* type) {
  Json out = {{"type", type}};
  if (std::isfinite(range.min)) out[range.open_min ? "exclusiveMinimum" : "minimum"] = range.min;
  if (std::isfinite(range.max)) out[range.open_max ? "exclusiveMaximum" : "maximum"] = range.max;
  return out;
}
Json whole(const config::NumberRange& range) { return number(range, "integer"); }

Json text() { return {{"type", {"string", "number", "boolean"}}}; }

Json list_of(Json items, bool required) {
  Json out = {{"type", "array"}, {"items", std::move(items)}};
  if (required) out["minItems"] = 1;
  return out;
}

Json names(std::span<const Option> options) {
  Json out = {{"enum", Json::array()}};
  for (const Option& option : options) {
    out["enum"].push_back(option.name);
    out["enumDescriptions"].push_back(option.doc);  // not of draft-07: what editors show beside a value
  }
  return out;
}

Json any_of(Json one, Json other) { return {{"anyOf", {std::move(one), std::move(other)}}}; }

Json extent(const config::NumberRange& range) {
  Json pair = list_of(whole(range), false);
  pair["minItems"] = pair["maxItems"] = 2;
  return any_of(whole(range), std::move(pair));
}

Json map_of(Json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

// One for each kind of Member.
Json shape_of(const Field&, bool&) { return {{"type", "boolean"}}; }
Json shape_of(const Field& field, std::int64_t&) { return whole(field.range); }
Json shape_of(const Field&, std::uint64_t&) { return whole(at_least(0)); }
Json shape_of(const Field& field, float&) { return number(field.range, "number"); }
Json shape_of(const Field& field, double&) { return number(field.range, "number"); }
Json shape_of(const Field& field, std::optional<double>&) { return number(field.range, "number"); }
Json shape_of(const Field&, std::string&) { return text(); }
Json shape_of(const Field& field, std::vector<std::string>&) {
  return list_of(field.choices.empty() ? text() : names(field.choices), field.required);
}
Json shape_of(const Field& field, std::vector<double>&) {
  return list_of(number(field.range, "number"), field.required);
}
Json shape_of(const Field&, Period&) {
  Json out = map_of({{"epochs", number(above(0), "number")}, {"steps", whole(at_least(1))}});
  out["minProperties"] = out["maxProperties"] = 1;
  return out;
}
Json shape_of(const Field& field, Extent2&) { return extent(field.range); }
Json shape_of(const Field& field, PaddingMembers) { return any_of({{"enum", {"same", "valid"}}}, extent(field.range)); }
Json shape_of(const Field& field, GroupsMembers) { return any_of({{"enum", {"depthwise"}}}, whole(field.range)); }

/// A reference to another value may stand wherever a value may.
Json or_reference(Json shape) { return {{"if", {{"$ref", "#/definitions/reference"}}}, {"else", std::move(shape)}}; }

/// A map laid on a list of another file changes the items of those names.
Json list_of_maps(Json item) {
  return {{"type", {"array", "object"}},
          {"items", or_reference(std::move(item))},
          {"additionalProperties", {{"type", "object"}}}};
}

Json is_type(std::string_view name) { return {{"properties", {{"type", {{"const", name}}}}}, {"required", {"type"}}}; }

Json described(Json shape, const std::string& doc, Json default_value = nullptr) {
  Json out = or_reference(std::move(shape));
  if (!doc.empty()) out["description"] = doc;
  if (!default_value.is_null()) out["default"] = std::move(default_value);
  return out;
}

/// Walks the table over default options.  `required` counts in items of lists alone: a map may be given in parts, by
/// several files.
class SchemaVisitor final : public SettingsVisitor {
 public:
  explicit SchemaVisitor(bool is_item = false) { maps_.push_back({.is_item = is_item}); }
  /// The schema of all that was visited; to be taken once.
  [[nodiscard]] Json take() { return close(); }

  bool begin(const Field& field, bool& present) override {
    maps_.push_back({.field = field, .present = present});
    present = true;
    return true;
  }
  void end() override {
    const Map& map = maps_.back();
    const Field field = map.field;
    const bool absent = !map.present && !field.word.empty();
    add(field, close(), absent ? Json(field.word) : Json());
  }
  void type(std::span<const Option> options, std::size_t& /*index*/) override {
    maps_.back().types = options;
    add({.key = "type", .doc = "decides which other keys there are", .required = true}, names(options));
  }
  void choice(const Field& field, std::size_t& index) override {
    add(field, names(field.choices), field.choices[index].name);
  }
  void list(const Field& field, const ListAccess& access) override {
    access.clear();
    access.append();
    maps_.push_back({.is_item = true});
    access.visit(0);
    add(field, list_of_maps(close()), Json::array());
  }
  void set(const Field& field, Member member) override {
    Json shape = std::visit([&](auto value) { return shape_of(field, value); }, member);
    add(field, std::move(shape), default_of(field, member));
  }

 private:
  struct Map {
    Field field = {};
    bool present = true, is_item = false;
    Json properties = Json::object();
    std::span<const Option> types = {};
    std::vector<Field> fields = {};
  };

  static Json default_of(Field field, Member member) {
    if (field.required || std::holds_alternative<Ref<std::optional<double>>>(member)) return nullptr;
    if (const auto* value = std::get_if<Ref<std::string>>(&member); value && value->get().empty()) return nullptr;
    field.types = "";
    SettingsWriter writer;
    writer.set(field, member);
    return to_json(writer.take().entries.at(0).value);
  }

  void add(const Field& field, Json shape, Json default_value = nullptr) {
    if (!field.word.empty()) shape = any_of({{"const", field.word}}, std::move(shape));
    std::string doc(field.doc);
    if (!field.unit.empty()) doc += fmt::format(" (in {})", field.unit);
    Map& map = maps_.back();
    map.properties[std::string(field.key)] = described(std::move(shape), doc, std::move(default_value));
    map.fields.push_back(field);
  }

  Json close() {
    Map map = std::move(maps_.back());
    maps_.pop_back();
    Json out = map_of(std::move(map.properties));
    for (const Field& field : map.fields) {
      if (map.is_item && field.required && field.types.empty()) out["required"].push_back(field.key);
    }
    for (const Option& type : map.types) {
      Json then = {{"properties", Json::object()}};
      for (const Field& field : map.fields) {
        if (!applies(field.types, type.name)) then["properties"][std::string(field.key)] = false;
      }
      if (!then["properties"].empty()) out["allOf"].push_back({{"if", is_type(type.name)}, {"then", then}});
    }
    return out;
  }

  std::vector<Map> maps_;
};

/// Keys that the table does not hold: `describe_settings` tells of each, in words, what it is.
Json structural(const Setting& setting) {
  const std::string& type = setting.type;
  Json shape = Json::object();
  if (type == "list of files") shape = list_of({{"type", "string"}}, false);
  if (type == "file" || type == "text") shape = text();
  if (type == "map") shape = {{"type", "object"}};
  if (type == "[channels, rows, columns]") shape = list_of(whole(at_least(1)), false);
  if (type == "name or list of names") shape = any_of(text(), list_of(text(), true));
  if (type == "list of maps") shape = list_of_maps({{"type", "object"}});
  return described(std::move(shape), setting.doc);
}

/// The keys of `settings` that begin with `prefix` and are not in `map` yet.
void add_structural(Json& map, const std::vector<Setting>& settings, const std::string& prefix) {
  for (const Setting& setting : settings) {
    const std::string key = setting.key.starts_with(prefix) ? setting.key.substr(prefix.size()) : "";
    if (key.empty() || key.find_first_of(".[") != std::string::npos || map["properties"].contains(key)) continue;
    map["properties"][key] = structural(setting);
  }
}

const Json layer_list = {{"$ref", "#/definitions/layers"}};

/// One item of a list of layers.  What a block's name takes is decided by the block.
Json layer_schema(const std::vector<Setting>& settings) {
  Json types = {{"enum", Json::array()}, {"enumDescriptions", Json::array()}};
  Json rules = Json::array();
  const auto rule = [&](const std::string& name, const std::string& doc, Json map) {
    types["enum"].push_back(name);
    types["enumDescriptions"].push_back(doc);
    add_structural(map, settings, "model.layers[].");
    rules.push_back({{"if", is_type(name)}, {"then", std::move(map)}});
  };
  for (const Component& component : list_components("layers")) {
    for (const LayerType& type : layer_types()) {
      if (type.name != component.name) continue;
      SchemaVisitor visitor(true);
      LayerOptions options = type.defaults;
      visit(visitor, options);
      rule(component.name, component.doc, visitor.take());
    }
    if (component.name != "residual") continue;
    Json map = map_of(Json::object());
    for (const Setting& setting : component.settings) {
      map["properties"][setting.key.substr(setting.key.rfind('.') + 1)] = described(layer_list, setting.doc);
    }
    rule(component.name, component.doc, std::move(map));
  }
  Json out = {{"type", "object"}, {"properties", Json::object()}, {"required", {"type"}}};
  add_structural(out, settings, "model.layers[].");
  out["properties"]["type"] = {{"description", out["properties"]["type"]["description"]},
                               {"anyOf", {types, {{"type", "string"}}}}};
  out["allOf"] = std::move(rules);
  return out;
}

}  // namespace

std::string settings_schema() {
  const std::vector<Setting> settings = describe_settings();
  SchemaVisitor visitor;
  Experiment experiment;
  visit(visitor, experiment);
  const Json root = visitor.take();

  SchemaVisitor draws_visitor;
  SweepDraws draws;
  visit(draws_visitor, draws);
  Json sweep = draws_visitor.take(), model = map_of(Json::object());
  add_structural(sweep, settings, "sweep.");
  add_structural(model, settings, "model.");
  const auto doc_of = [&](const char* key) { return model["properties"][key]["description"].get<std::string>(); };
  model["properties"]["layers"] = described(layer_list, doc_of("layers"));
  Json block = map_of({{"parameters", {{"type", "object"}}}, {"layers", layer_list}});
  model["properties"]["blocks"] =
      described({{"type", "object"}, {"additionalProperties", std::move(block)}}, doc_of("blocks"));

  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                 {"title", "scnn experiment"},
                 {"description",
                  "What editors can tell of an experiment file.  scnn validate FILE has the last word: it knows what "
                  "files together come to."}};
  schema.update(root);
  add_structural(schema, settings, "");
  schema["properties"]["model"] = described(std::move(model), "the network");
  schema["properties"]["sweep"] = described(std::move(sweep), "the points of `scnn sweep`");
  // A file that stands on others leaves to them what it likes.
  schema["if"] = {{"required", {"extends"}}};
  schema["else"] = {{"required", {"data", "model"}}};
  schema["definitions"] = {
      {"reference",
       {{"type", "string"}, {"pattern", R"(\$\{.*\})"}, {"description", "${a.b}, or an expression ${width * 2}"}}},
      {"layer", layer_schema(settings)},
      {"layers", list_of_maps({{"$ref", "#/definitions/layer"}})}};
  return dump(schema, 2) + "\n";
}

}  // namespace scnn
