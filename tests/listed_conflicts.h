#pragma once

#include <set>
#include <string>
#include <vector>

#include "scnn/core/conflicts.h"

namespace scnn::test {

/// Keeps the settings that conflicts were reported for.
struct ListedConflicts final : Conflicts {
  std::vector<std::string> settings;
  std::set<std::string> written;  ///< what the experiment gives itself
  void add(const std::string& setting, const std::string& /*message*/, const std::string& /*note*/) override {
    settings.push_back(setting);
  }
  [[nodiscard]] bool given(const std::string& setting) const override { return written.contains(setting); }
};

/// What `options.check` reports of its settings.
template <class Options>
std::vector<std::string> conflicting(const Options& options) {
  ListedConflicts listed;
  check(options, listed);
  return listed.settings;
}

}  // namespace scnn::test
