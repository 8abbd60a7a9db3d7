#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/sweep_section.h"

namespace scnn::config {

/// Settings to lay on the file, as one tree, and what they come to.
struct Candidate {
  Node tree;
  bool drawn = false;  ///< an axis of it is random
  bool baseline = false;
  Node document;  ///< with the tree, before the model file
  Experiment experiment;
};

/// Every combination of explicit points, draws and grid; of the grid, the last axis changes first.  Nothing where
/// there are mistakes.
[[nodiscard]] std::vector<Candidate> sweep_points(const SweepSection& section, Diagnostics& diagnostics);
/// The baseline, once for each seed of the points.
[[nodiscard]] std::vector<Candidate> sweep_baselines(const SweepSection& section, const std::vector<Candidate>& points);

/// The value at "a.b.c", or null; items of lists are found by their name.
[[nodiscard]] const Node* find_at(const Node& root, std::string_view key);
/// A key and its value.
using Leaf = std::pair<std::string, const Node*>;
/// All values of a map and the maps in it.
[[nodiscard]] std::vector<Leaf> leaves(const Node& tree);

}  // namespace scnn::config
