#include <algorithm>
#include <array>
#include <cctype>

#include "config/yaml.h"

namespace scnn::config {
namespace {

constexpr std::size_t widest = 110;

/// Text that reads back as itself without quotes.
bool plain(std::string_view text) {
  if (text.empty() || !(std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '_' || text[0] == '/')) {
    return false;
  }
  const auto safe = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c == '/' || c == '-'; };
  if (!std::all_of(text.begin(), text.end(), safe)) return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array<std::string_view, 12> reserved = {"yes",  "no",    "on",   "off", "y",   "n",
                                                         "true", "false", "null", "nan", "inf", "infinity"};
  return std::find(reserved.begin(), reserved.end(), lower) == reserved.end();
}

std::string scalar(const Node& node) {
  if (!node.quoted || plain(node.text)) return node.text;
  std::string out = "\"";
  for (const char c : node.text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string flow(const Node& node) {
  std::string out;
  switch (node.kind) {
    case Kind::scalar:
      return scalar(node);
    case Kind::sequence:
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + flow(item);
      return "[" + out + "]";
    case Kind::map:
      for (const Entry& entry : node.entries) out += (out.empty() ? "" : ", ") + entry.key + ": " + flow(entry.value);
      return "{" + out + "}";
    case Kind::null:
    case Kind::invalid:
      break;
  }
  return "null";
}

bool nested(const Node& node) { return !node.items.empty() || !node.entries.empty(); }

/// Sections of the file are blocks, their small maps and lists are flow, lists of maps have an item a line.
void block(const Node& node, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  for (const Entry& entry : node.entries) {
    const Node& value = entry.value;
    const std::string line = margin + entry.key + ": " + flow(value);
    const bool map_items = !value.items.empty() && value.items[0].kind == Kind::map;
    if (!nested(value) || (!map_items && indent > 0 && line.size() <= widest) ||
        (value.kind == Kind::sequence && !map_items)) {
      out += line + "\n";
    } else if (value.kind == Kind::map) {
      out += margin + entry.key + ":\n";
      block(value, indent + 2, out);
    } else {
      out += margin + entry.key + ":\n";
      for (const Node& item : value.items) out += margin + "  - " + flow(item) + "\n";
    }
  }
}

}  // namespace

std::string emit_yaml(const Node& node) {
  std::string out;
  block(node, 0, out);
  return out;
}

std::string emit_flow(const Node& node) { return flow(node); }

}  // namespace scnn::config
