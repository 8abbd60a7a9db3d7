#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace scnn {

/// A run, a checkpoint or a packed model inside its run, as far as two can be compared.
struct Comparable {
  std::string name;                                     ///< the path as given
  std::map<std::string, std::string> settings;          ///< "compression.gamma" -> "0.05", defaults included
  std::vector<std::pair<std::string, double>> metrics;  ///< only those that are known
};

/// Error(usage) where there is nothing at `path`, or a packed model without its run; Error(checkpoint) where it is
/// damaged.
[[nodiscard]] Comparable load_comparable(const std::filesystem::path& path);

struct Comparison {
  struct Setting {
    std::string key;
    std::optional<std::string> a, b;  ///< empty where the setting does not exist there
  };
  struct Metric {
    std::string name;
    std::optional<double> a, b;
  };
  std::string a, b;
  std::vector<Setting> settings;  ///< only those that differ
  std::vector<Metric> metrics;    ///< all that either has
};

[[nodiscard]] Comparison compare(const Comparable& a, const Comparable& b);
/// Tables for a terminal.
[[nodiscard]] std::string comparison_text(const Comparison& comparison);
/// One JSON object.
[[nodiscard]] std::string comparison_json(const Comparison& comparison);

}  // namespace scnn
