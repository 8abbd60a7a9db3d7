#include "experiment/settings_write.h"

#include <fmt/format.h>

#include <algorithm>

namespace scnn::config {
namespace {

Node map_node() {
  Node node;
  node.kind = Kind::map;
  return node;
}

Node extent_node(const Extent2& extent) {
  const Node h = text_node(std::to_string(extent.h)), w = text_node(std::to_string(extent.w));
  if (extent.h == extent.w) return h;
  Node node;
  node.kind = Kind::sequence;
  node.items = {h, w};
  return node;
}

}  // namespace

Node text_node(std::string_view text, bool quoted) {
  Node node;
  node.kind = Kind::scalar;
  node.text = text;
  node.quoted = quoted;
  return node;
}

// fmt writes the shortest digits that read back to the same number.
Node number_node(double value) { return text_node(fmt::format("{}", value)); }

void put(Node& map, std::string_view key, Node value) {
  map.entries.push_back({std::string(key), {}, std::move(value)});
}

SettingsWriter::SettingsWriter() { frames_.push_back({map_node(), "", ""}); }

void SettingsWriter::add(const Field& field, Node value) {
  if (applies(field.types, frames_.back().type)) put(frames_.back().map, field.key, std::move(value));
}

bool SettingsWriter::begin(const Field& field, bool& present) {
  if (!applies(field.types, frames_.back().type)) return false;
  if (!present) {
    if (!field.word.empty()) add(field, text_node(field.word));
    return false;
  }
  frames_.push_back({map_node(), std::string(field.key), ""});
  return true;
}

void SettingsWriter::end() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  put(frames_.back().map, frame.key, std::move(frame.map));
}

void SettingsWriter::type(std::span<const Option> options, std::size_t& index) {
  frames_.back().type = options[index].name;
  put(frames_.back().map, "type", text_node(options[index].name));
}

void SettingsWriter::choice(const Field& field, std::size_t& index) {
  add(field, text_node(field.choices[index].name));
}

void SettingsWriter::list(const Field& field, const ListAccess& access) {
  Node list;
  list.kind = Kind::sequence;
  for (std::size_t i = 0; i < access.size(); ++i) {
    frames_.push_back({map_node(), "", ""});
    access.visit(i);
    list.items.push_back(std::move(frames_.back().map));
    frames_.pop_back();
  }
  add(field, std::move(list));
}

void SettingsWriter::value(const Field& field, bool& value) { add(field, text_node(value ? "true" : "false")); }
void SettingsWriter::value(const Field& field, std::int64_t& value) {
  add(field, text_node(value == 0 && !field.word.empty() ? std::string(field.word) : std::to_string(value)));
}
void SettingsWriter::value(const Field& field, std::uint64_t& value) { add(field, text_node(std::to_string(value))); }
void SettingsWriter::value(const Field& field, float& value) { add(field, text_node(fmt::format("{}", value))); }
void SettingsWriter::value(const Field& field, double& value) {
  add(field, value == 0 && !field.word.empty() ? text_node(field.word) : number_node(value));
}
void SettingsWriter::value(const Field& field, std::optional<double>& value) {
  if (value) add(field, number_node(*value));
}
void SettingsWriter::value(const Field& field, std::string& value) { add(field, text_node(value, true)); }

void SettingsWriter::value(const Field& field, std::vector<std::string>& value) {
  Node list;
  list.kind = Kind::sequence;
  for (const std::string& item : value) list.items.push_back(text_node(item, true));
  add(field, std::move(list));
}

void SettingsWriter::value(const Field& field, std::vector<double>& value) {
  Node list;
  list.kind = Kind::sequence;
  for (const double item : value) list.items.push_back(number_node(item));
  add(field, std::move(list));
}

void SettingsWriter::value(const Field& field, Period& value) {
  Node map = map_node();
  if (value.steps > 0) {
    put(map, "steps", text_node(std::to_string(value.steps)));
  } else {
    put(map, "epochs", number_node(value.epochs));
  }
  add(field, std::move(map));
}

void SettingsWriter::value(const Field& field, Extent2& value) { add(field, extent_node(value)); }

void SettingsWriter::padding(const Field& field, Padding& kind, Extent2& pad) {
  if (kind == Padding::explicit_) return add(field, extent_node(pad));
  add(field, text_node(kind == Padding::same ? "same" : "valid"));
}

void SettingsWriter::groups(const Field& field, std::int64_t& groups, bool& depthwise) {
  add(field, text_node(depthwise ? "depthwise" : std::to_string(groups)));
}

}  // namespace scnn::config
