#pragma once

#include <span>
#include <string>

#include "config/yaml.h"
#include "scnn/settings/experiment.h"

namespace scnn::config {

/// The experiment that a whole document comes to, `name` its name where it says none.  Mistakes go to the diagnostics;
/// where there are any, what is returned is of no use.
[[nodiscard]] Experiment read_document(const Node& document, const std::string& name, Diagnostics& diagnostics);
/// parse_experiment with overrides.
[[nodiscard]] Experiment parse_with(const std::string& text, const std::string& where,
                                    std::span<const std::string> overrides);

}  // namespace scnn::config
