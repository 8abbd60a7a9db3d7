#pragma once

#include <cstdio>
#include <string>

namespace scnn {

/// Collects settings that do not go together.  Each component checks its own.
class Conflicts {
 public:
  Conflicts() = default;
  Conflicts(const Conflicts&) = delete;
  Conflicts& operator=(const Conflicts&) = delete;
  virtual ~Conflicts() = default;

  /// `setting`: full path, "compression.init.bits"; `note`: the remedy, may be empty.
  virtual void add(const std::string& setting, const std::string& message, const std::string& note = "") = 0;
  /// Whether the experiment gives the setting itself.
  [[nodiscard]] virtual bool given(const std::string& setting) const = 0;
};

/// A number as messages show it: "0.85", "8".
[[nodiscard]] inline std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

}  // namespace scnn
