#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scnn::config {

/// A file, or one `key=value` of a command line, as shown in messages.
struct Source {
  std::string name;  ///< the path as the user would write it; for an override its whole text
  bool is_override = false;
  std::filesystem::path folder;  ///< what relative paths in it start from
  std::vector<std::string> lines;
};

/// Where something stands.  Line and column count from 1; without a source it is nowhere.
struct SourceLocation {
  std::shared_ptr<const Source> source;
  int line = 0, column = 0;
  int length = 1;  ///< columns to underline

  /// "experiments/x.yaml:12:5", or "override 'x=y'"
  [[nodiscard]] std::string str() const;
};

/// Kinds of mistakes; the number is part of the message.
enum class Code : int {
  file = 100,    ///< cannot be read, too large
  syntax = 101,  ///< not YAML
  duplicate = 102,
  unknown_key = 103,
  wrong_type = 104,
  range = 105,
  missing = 106,
  unknown_choice = 107,
  reference = 108,
  extends = 109,
  forbidden = 110,   ///< YAML that reads differently from how it looks
  other_type = 111,  ///< a key of another `type`
  network = 112,
  block = 113,
  override_ = 114,
  conflict = 115,  ///< two settings that do not go together
};

/// One mistake, to be printed with its line.
struct Problem {
  Code code;
  std::string message;
  SourceLocation place;
  std::string context;  ///< "compression.removal"; empty at the top
  std::string note;     ///< beside the caret
  std::string footer;   ///< a line below
};

/// Gathers mistakes so that all are reported together.
class Diagnostics {
 public:
  void add(Problem problem) { problems_.push_back(std::move(problem)); }
  [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }
  [[nodiscard]] std::size_t count() const noexcept { return problems_.size(); }
  /// Whether something was found in a section.
  [[nodiscard]] bool has(std::string_view context) const {
    return std::ranges::any_of(problems_, [&](const Problem& problem) { return problem.context == context; });
  }
  /// Error(experiment) with everything gathered so far, in the order of the files' lines; nothing if there is nothing.
  void raise() const;

 private:
  std::vector<Problem> problems_;
};

/// The candidate nearest to `word` by edit distance, or an empty view if none is near.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string> candidates);
/// "did you mean 'gamma'?" or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);
/// "a, b, c"
[[nodiscard]] std::string join(std::span<const std::string> words, std::string_view separator = ", ");

}  // namespace scnn::config
