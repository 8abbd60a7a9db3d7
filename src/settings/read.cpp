#include "settings/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace scnn::config {
namespace {

std::vector<std::string> names(std::span<const Option> options) {
  std::vector<std::string> out;
  for (const Option& option : options) out.emplace_back(option.name);
  return out;
}

template <class Number>
bool parse(std::string_view text, Number& value) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && stop == text.data() + text.size();
}

bool looks_whole(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool not_finite(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.erase(0, 1);
  if (!text.empty() && text[0] == '.') text.erase(0, 1);
  return text == "nan" || text == "inf" || text == "infinity";
}

}  // namespace

SettingsReader::SettingsReader(const Node& map, const std::string& path, std::vector<std::string> extra,
                               Diagnostics& diagnostics)
    : diagnostics_(diagnostics) {
  frames_.push_back({&map, path, {}, std::move(extra), "", false});
}

SourceLocation SettingsReader::place(const std::string& path) const {
  const auto found = locations_.find(path);
  return found == locations_.end() ? SourceLocation{} : found->second;
}

std::string SettingsReader::path_of(std::string_view key) const {
  const std::string& path = frames_.back().path;
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

void SettingsReader::report(Code code, const Node& at, const std::string& message, const std::string& note,
                            const std::string& footer) {
  diagnostics_.add({code, message, at.place, frames_.back().path, note, footer});
}

void SettingsReader::wrong_type(const Field& field, const Node& node, const std::string& wanted) {
  std::string note;
  if (node.kind == Kind::scalar && node.quoted && wanted != "text") note = "remove the quotes";
  if (node.kind == Kind::null) note = "write a value, or remove the key";
  report(Code::wrong_type, node, fmt::format("'{}' must be {}, not {}", field.key, wanted, node.describe()), note);
}

const Node* SettingsReader::take(const Field& field) {
  Frame& frame = frames_.back();
  frame.known.push_back({std::string(field.key), std::string(field.types)});
  const Node* node = frame.map->find(field.key);
  if (!field.types.empty() && (frame.type_broken || !applies(field.types, frame.type))) return nullptr;
  if (!node) {
    if (field.required) need(field.key, std::string(field.doc));
    return nullptr;
  }
  locations_[path_of(field.key)] = node->place;
  if (node->kind == Kind::invalid) return nullptr;
  return node;
}

bool SettingsReader::missing(std::string_view key) const { return frames_.back().map->find(key) == nullptr; }

void SettingsReader::need(std::string_view key, const std::string& why) {
  report(Code::missing, *frames_.back().map, fmt::format("the key '{}' is missing", key), why);
}

void SettingsReader::retired(std::string_view key, std::string_view harmless, std::string_view why) {
  const Node* node = frames_.back().map->find(key);
  const bool says_nothing = node && node->kind == Kind::scalar && !node->quoted && node->text == harmless;
  frames_.back().retired.push_back({std::string(key), std::string(why), says_nothing});
}

bool SettingsReader::begin(const Field& field, bool& present) {
  const Node* node = take(field);
  if (!node) return false;
  if (!field.word.empty() && node->kind == Kind::scalar && !node->quoted && node->text == field.word) {
    present = false;
    return false;
  }
  if (node->kind != Kind::map) {
    wrong_type(field, *node, field.word.empty() ? "a map" : fmt::format("a map or {}", field.word));
    return false;
  }
  present = true;
  frames_.push_back({node, path_of(field.key), {}, {}, "", false});
  return true;
}

void SettingsReader::end() {
  const Frame& frame = frames_.back();
  for (const Entry& entry : frame.map->entries) {
    if (std::find(frame.extra.begin(), frame.extra.end(), entry.key) == frame.extra.end()) unknown_key(frame, entry);
  }
  if (frames_.size() > 1) frames_.pop_back();
}

void SettingsReader::unknown_key(const Frame& frame, const Entry& entry) {
  std::vector<std::string> here = frame.extra;
  const Known* elsewhere = nullptr;
  for (const Known& known : frame.known) {
    const bool fits = frame.type_broken || applies(known.types, frame.type);
    if (known.key == entry.key && fits) return;
    if (known.key == entry.key) elsewhere = &known;
    if (fits) here.push_back(known.key);
  }
  const std::string footer = here.empty() ? "no keys here" : "known keys here: " + join(here);
  if (elsewhere) {
    diagnostics_.add({Code::other_type, fmt::format("'{}' does not exist for type {}", entry.key, frame.type),
                      entry.place, frame.path, fmt::format("it belongs to type {}", elsewhere->types), footer});
    return;
  }
  const auto old = std::ranges::find(frame.retired, entry.key, &Retired::key);
  if (old != frame.retired.end() && old->harmless) return;
  diagnostics_.add({Code::unknown_key, fmt::format("unknown key '{}'", entry.key), entry.place, frame.path,
                    old != frame.retired.end() ? old->why : did_you_mean(entry.key, here), footer});
}

bool SettingsReader::read_option(std::string_view key, const Node& node, std::span<const Option> options,
                                 std::size_t& index) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (node.kind == Kind::scalar && node.text == options[i].name) {
      index = i;
      return true;
    }
  }
  const std::vector<std::string> known = names(options);
  report(Code::unknown_choice, node, fmt::format("unknown {} {}", key, node.describe()), did_you_mean(node.text, known),
         "known: " + join(known));
  return false;
}

void SettingsReader::type(std::span<const Option> options, std::size_t& index) {
  Frame& frame = frames_.back();
  const Field field{.key = "type", .doc = ""};
  const bool given = !missing("type");
  const Node* node = take(field);
  if (!given) report(Code::missing, *frame.map, "the key 'type' is missing", "one of: " + join(names(options)));
  frame.type_broken = !node || !read_option("type", *node, options, index);
  frame.type = options[index].name;
}

void SettingsReader::choice(const Field& field, std::size_t& index) {
  if (const Node* node = take(field)) read_option(field.key, *node, field.choices, index);
}

void SettingsReader::list(const Field& field, const ListAccess& access) {
  const Node* node = take(field);
  if (!node) return;
  if (node->kind != Kind::sequence) return wrong_type(field, *node, "a list");
  access.clear();
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const Node& item = node->items[i];
    access.append();
    if (item.kind == Kind::invalid) continue;
    if (item.kind != Kind::map) {
      wrong_type(field, item, "a list of maps");
      continue;
    }
    frames_.push_back({&item, fmt::format("{}[{}]", path_of(field.key), i), {}, {}, "", false});
    access.visit(i);
    end();
  }
}

bool SettingsReader::read_number(const Field& field, const Node& node, double& value) {
  if (node.kind == Kind::invalid) return false;
  double read = 0;
  if (node.kind == Kind::scalar && !node.quoted && not_finite(node.text)) {
    wrong_type(field, node, "a finite number");
  } else if (node.kind != Kind::scalar || node.quoted || !parse(node.text, read)) {
    wrong_type(field, node, "a number");
  } else if (!field.range.contains(read)) {
    report(Code::range, node, fmt::format("'{}' is {}", field.key, node.text), "must be " + field.range.str());
  } else {
    value = read;
    return true;
  }
  return false;
}

bool SettingsReader::read_whole(const Field& field, const Node& node, std::int64_t& value) {
  if (node.kind == Kind::invalid) return false;
  std::int64_t read = 0;
  if (node.kind != Kind::scalar || node.quoted || !looks_whole(node.text)) {
    wrong_type(field, node, "a whole number");
  } else if (!parse(node.text, read) || !field.range.contains(static_cast<double>(read))) {
    const std::string range = field.range.str();
    report(Code::range, node, fmt::format("'{}' is {}", field.key, node.text),
           "must be " + (range.empty() ? "a 64-bit whole number" : range));
  } else {
    value = read;
    return true;
  }
  return false;
}

bool SettingsReader::read_extent(const Field& field, const Node& node, Extent2& value) {
  Extent2 read;
  if (node.kind == Kind::sequence && node.items.size() == 2) {
    const bool h = read_whole(field, node.items[0], read.h), w = read_whole(field, node.items[1], read.w);
    if (!h || !w) return false;
  } else if (node.kind == Kind::scalar && !node.quoted && looks_whole(node.text)) {
    if (!read_whole(field, node, read.h)) return false;
    read.w = read.h;
  } else {
    wrong_type(field, node, "a whole number or [rows, columns]");
    return false;
  }
  value = read;
  return true;
}

void SettingsReader::set(const Field& field, Member member) {
  std::visit([&](auto value) { fill(field, value); }, member);
}

void SettingsReader::fill(const Field& field, bool& value) {
  const Node* node = take(field);
  if (!node) return;
  if (node->kind != Kind::scalar || node->quoted || (node->text != "true" && node->text != "false")) {
    return wrong_type(field, *node, "true or false");
  }
  value = node->text == "true";
}

void SettingsReader::fill(const Field& field, std::int64_t& value) {
  const Node* node = take(field);
  if (!node) return;
  if (!field.word.empty() && node->kind == Kind::scalar && !node->quoted && node->text == field.word) {
    value = 0;
  } else if (!field.word.empty() && (node->kind != Kind::scalar || !looks_whole(node->text))) {
    wrong_type(field, *node, fmt::format("a whole number or {}", field.word));
  } else {
    read_whole(field, *node, value);
  }
}

void SettingsReader::fill(const Field& field, std::uint64_t& value) {
  const Node* node = take(field);
  if (!node) return;
  std::uint64_t read = 0;
  if (node->kind != Kind::scalar || node->quoted || !looks_whole(node->text)) {
    wrong_type(field, *node, "a whole number");
  } else if (!parse(node->text, read)) {
    report(Code::range, *node, fmt::format("'{}' is {}", field.key, node->text), "must be in [0, 2^64 - 1]");
  } else {
    value = read;
  }
}

void SettingsReader::fill(const Field& field, float& value) {
  const Node* node = take(field);
  double checked = 0;
  // Parsed as float at once, so that a written float reads back exactly.
  if (node && read_number(field, *node, checked) && !parse(node->text, value)) {
    report(Code::range, *node, fmt::format("'{}' is {}", field.key, node->text), "does not fit a 32-bit float");
  }
}

void SettingsReader::fill(const Field& field, double& value) {
  const Node* node = take(field);
  if (!node) return;
  if (!field.word.empty() && node->kind == Kind::scalar && !node->quoted && node->text == field.word) {
    value = 0;
  } else {
    read_number(field, *node, value);
  }
}

void SettingsReader::fill(const Field& field, std::optional<double>& value) {
  double read = 0;
  if (const Node* node = take(field); node && read_number(field, *node, read)) value = read;
}

void SettingsReader::fill(const Field& field, std::string& value) {
  const Node* node = take(field);
  if (!node) return;
  if (node->kind != Kind::scalar || node->text.empty()) return wrong_type(field, *node, "text");
  value = node->text;
  const bool relative = field.is_path && value != "auto" && std::filesystem::path(value).is_relative();
  if (relative && node->place.source) {
    value = std::filesystem::absolute(node->place.source->folder / value).lexically_normal().string();
  }
}

void SettingsReader::fill(const Field& field, std::vector<std::string>& value) {
  const Node* node = take(field);
  if (!node) return;
  if (node->kind != Kind::sequence) return wrong_type(field, *node, "a list");
  if (field.required && node->items.empty()) return wrong_type(field, *node, "a list with at least one item");
  value.clear();
  for (const Node& item : node->items) {
    std::size_t index = 0;
    if (item.kind == Kind::invalid) continue;
    if (!field.choices.empty()) {
      if (!read_option(field.key, item, field.choices, index)) continue;
    } else if (item.kind != Kind::scalar || item.text.empty()) {
      wrong_type(field, item, "a list of text");
      continue;
    }
    value.push_back(item.text);
  }
}

void SettingsReader::fill(const Field& field, std::vector<double>& value) {
  const Node* node = take(field);
  if (!node) return;
  if (node->kind != Kind::sequence) return wrong_type(field, *node, "a list of numbers");
  if (field.required && node->items.empty()) return wrong_type(field, *node, "a list with at least one number");
  value.clear();
  for (const Node& item : node->items) read_number(field, item, value.emplace_back());
}

void SettingsReader::fill(const Field& field, Period& value) {
  const Node* node = take(field);
  if (!node) return;
  const bool one = node->kind == Kind::map && node->entries.size() == 1;
  if (!one) return wrong_type(field, *node, "{epochs: n} or {steps: n}");
  frames_.push_back({node, path_of(field.key), {}, {}, "", false});
  Period read;
  fill({.key = "epochs", .doc = "", .range = above(0)}, read.epochs);
  fill({.key = "steps", .doc = "", .range = at_least(1)}, read.steps);
  end();
  if (read.epochs > 0 || read.steps > 0) value = read;
}

void SettingsReader::fill(const Field& field, Extent2& value) {
  if (const Node* node = take(field)) read_extent(field, *node, value);
}

void SettingsReader::fill(const Field& field, PaddingMembers value) {
  auto& [kind, pad] = value;
  const Node* node = take(field);
  if (!node) return;
  const bool word = node->kind == Kind::scalar && !node->quoted;
  if (word && (node->text == "same" || node->text == "valid")) {
    kind = node->text == "same" ? Padding::same : Padding::valid;
    pad = {0, 0};
  } else if (word && !looks_whole(node->text)) {
    wrong_type(field, *node, "a whole number, [rows, columns], same or valid");
  } else if (read_extent(field, *node, pad)) {
    kind = Padding::explicit_;
  }
}

void SettingsReader::fill(const Field& field, GroupsMembers value) {
  auto& [groups, depthwise] = value;
  const Node* node = take(field);
  if (!node) return;
  if (node->kind == Kind::scalar && !node->quoted && node->text == "depthwise") {
    depthwise = true;
    groups = 1;
  } else if (node->kind == Kind::scalar && !looks_whole(node->text)) {
    wrong_type(field, *node, "a whole number or depthwise");
  } else if (read_whole(field, *node, groups)) {
    depthwise = false;
  }
}

}  // namespace scnn::config
