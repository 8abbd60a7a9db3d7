#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml.h"

namespace scnn::config {

/// Names a reference may use before it looks into the document: the parameters of a model or a block.
using Parameters = std::vector<std::pair<std::string, Node>>;

/// Replaces `${...}`: a path of the document ("train.epochs"), a parameter, or arithmetic on them (+ - * / //,
/// parentheses).  A value that is one reference takes the referenced value as it is, lists and maps included; within
/// longer text the value must be a scalar.  Circles are mistakes.
class Resolver {
 public:
  Resolver(const Node& document, Diagnostics& diagnostics) : document_(document), diagnostics_(diagnostics) {}

  /// A copy of `node` without references; parameters win over paths.
  [[nodiscard]] Node resolve(const Node& node, const Parameters& parameters);

 private:
  friend class Expression;
  [[nodiscard]] Node resolve_scalar(const Node& node, const Parameters& parameters);
  [[nodiscard]] Node look_up(const std::string& path, const Node& at, const Parameters& parameters);
  Node fail(const Node& at, const std::string& message, const std::string& note = "", const std::string& footer = "");

  const Node& document_;
  Diagnostics& diagnostics_;
  std::vector<std::string> active_;  ///< paths being resolved, to find circles
  std::size_t copied_ = 0;
};

}  // namespace scnn::config
