#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/reference.h"
#include "settings/schema.h"

namespace scnn::config {

/// A value for one setting.
struct Assignment {
  std::string key;       ///< "compression.gamma"
  SourceLocation place;  ///< of the key
  Node value;
};

/// One setting and the values it takes.
struct SweepAxis {
  enum class Kind { grid, choice, uniform, log_uniform };

  Assignment setting;  ///< its value as written
  Kind kind = Kind::grid;
  std::vector<Node> values;  ///< grid, choice
  double min = 0, max = 0;   ///< uniform, log_uniform

  [[nodiscard]] bool is_random() const { return kind != Kind::grid; }
};

/// The section `sweep` of an experiment file.
struct SweepSection {
  SourceLocation place;
  SweepDraws draws;
  std::vector<SweepAxis> axes;
  std::vector<std::vector<Assignment>> points;
  std::vector<Assignment> baseline;
};

/// Every mistake in the section that shows without its points.  Values stay as written: references in them are
/// resolved in each point.
[[nodiscard]] SweepSection read_sweep(const Node& section, Resolver& resolver, Diagnostics& diagnostics);

/// "a.b.c" -> a, b, c
[[nodiscard]] std::vector<std::string> split_key(std::string_view key);

}  // namespace scnn::config
