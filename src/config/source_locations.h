#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/diagnostics.h"
#include "core/settings_error.h"

namespace scnn {
struct Experiment;
}

namespace scnn::config {

/// Where an experiment's settings were written, for mistakes that show only once network or data are there.
struct SourceLocations {
  SourceLocation document;
  std::map<std::string, SourceLocation> settings;  ///< "compression.init.bits"
  std::vector<SourceLocation> layers;              ///< of each node of the network
  std::vector<SourceLocation> outs;                ///< of each node's key `out`; nowhere where it has none

  /// Of a setting, or of the nearest map around it that was written.
  [[nodiscard]] SourceLocation setting(std::string path) const;
};

/// Takes the mistakes over, with their lines where the experiment knows them.
void add_mistakes(const SettingsError& error, const Experiment& experiment, Diagnostics& diagnostics);

/// What check_experiment finds, gathered.
void check_network(const Experiment& experiment, Diagnostics& diagnostics);

}  // namespace scnn::config
