#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"

namespace scnn::config {

enum class Kind {
  null,
  scalar,
  sequence,
  map,
  invalid,  ///< reported already: later stages pass over it in silence
};

struct Entry;

/// A YAML value that knows where it was written.
struct Node {
  Kind kind = Kind::null;
  std::string text;     ///< scalars, as written without quotes
  bool quoted = false;  ///< scalars: text, whatever it looks like
  SourceLocation place;
  std::vector<Node> items;     ///< sequences
  std::vector<Entry> entries;  ///< maps, in the order of the file

  /// Value of a key of a map, or null.
  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] Node* find(std::string_view key);
  void erase(std::string_view key);
  /// "a map", "a list", "text", ... for messages
  [[nodiscard]] std::string describe() const;
};

struct Entry {
  std::string key;
  SourceLocation place;
  Node value;
};

/// Parses one YAML document strictly: duplicate keys, `<<`, anchors, aliases, tags, yes/no/on/off, leading zeros, tabs
/// in indentation, several documents, more than 64 levels and files over 1 MiB are mistakes.  An empty document is an
/// empty map.
[[nodiscard]] Node parse_yaml(const std::string& text, const std::shared_ptr<const Source>& source,
                              Diagnostics& diagnostics);
/// The part of `source`'s only line from `column` (from 1) on, as a value.
[[nodiscard]] Node parse_value(int column, const std::shared_ptr<const Source>& source, Diagnostics& diagnostics);

/// Splits into lines, carriage returns dropped.
[[nodiscard]] std::vector<std::string> split_lines(std::string_view text);
/// Writes a tree as YAML that parse_yaml reads back to the same tree.
[[nodiscard]] std::string emit_yaml(const Node& node);
/// The same in one line: "{epochs: 1}".
[[nodiscard]] std::string emit_flow(const Node& node);

}  // namespace scnn::config
