#pragma once

#include <map>
#include <string>
#include <vector>

#include "experiment/diagnostics.h"
#include "scnn/core/settings_error.h"

namespace scnn {
struct Experiment;
}

namespace scnn::config {

/// Where an experiment's settings were written, for mistakes that show only once network or data are there.
struct Places {
  Place document;
  std::map<std::string, Place> settings;  ///< "compression.init.bits"
  std::vector<Place> layers;              ///< of each node of the network
  std::vector<Place> outs;                ///< of each node's key `out`; nowhere where it has none

  /// Of a setting, or of the nearest map around it that was written.
  [[nodiscard]] Place setting(std::string path) const;
};

/// Takes the mistakes over, with their lines where the experiment knows them.
void add_mistakes(const SettingsError& error, const Experiment& experiment, Diagnostics& diagnostics);

/// What check_experiment finds, gathered.
void check_network(const Experiment& experiment, Diagnostics& diagnostics);

}  // namespace scnn::config
