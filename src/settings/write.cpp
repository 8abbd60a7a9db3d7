#include "settings/write.h"

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

// One for each kind of Member.  Taken as non-const, so that no number passes for another.
Node to_node(const Field&, bool& value) { return text_node(value ? "true" : "false"); }
Node to_node(const Field& field, std::int64_t& value) {
  return text_node(value == 0 && !field.word.empty() ? std::string(field.word) : std::to_string(value));
}
Node to_node(const Field&, std::uint64_t& value) { return text_node(std::to_string(value)); }
Node to_node(const Field&, float& value) { return text_node(fmt::format("{}", value)); }
Node to_node(const Field& field, double& value) {
  return value == 0 && !field.word.empty() ? text_node(field.word) : number_node(value);
}
Node to_node(const Field&, std::optional<double>& value) { return number_node(value.value()); }
Node to_node(const Field&, std::string& value) { return text_node(value, true); }

Node to_node(const Field&, std::vector<std::string>& value) {
  Node list;
  list.kind = Kind::sequence;
  for (const std::string& item : value) list.items.push_back(text_node(item, true));
  return list;
}

Node to_node(const Field&, std::vector<double>& value) {
  Node list;
  list.kind = Kind::sequence;
  for (const double item : value) list.items.push_back(number_node(item));
  return list;
}

Node to_node(const Field&, Period& value) {
  Node map = map_node();
  if (value.steps > 0) {
    put(map, "steps", text_node(std::to_string(value.steps)));
  } else {
    put(map, "epochs", number_node(value.epochs));
  }
  return map;
}

Node to_node(const Field&, Extent2& value) { return extent_node(value); }

Node to_node(const Field&, PaddingMembers value) {
  if (value.kind == Padding::explicit_) return extent_node(value.pad);
  return text_node(value.kind == Padding::same ? "same" : "valid");
}

Node to_node(const Field&, GroupsMembers value) {
  return text_node(value.depthwise ? "depthwise" : std::to_string(value.groups));
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

void SettingsWriter::set(const Field& field, Member member) {
  if (const auto* optional = std::get_if<Ref<std::optional<double>>>(&member); optional && !optional->get()) return;
  add(field, std::visit([&](auto value) { return to_node(field, value); }, member));
}

}  // namespace scnn::config
