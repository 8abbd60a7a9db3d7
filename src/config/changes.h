#pragma once

#include <string>
#include <vector>

namespace scnn {

/// What differs between two complete experiments (Experiment::yaml), each as "train.epochs: 6 -> 12", the key as an
/// override takes it.
[[nodiscard]] std::vector<std::string> changed_settings(const std::string& then, const std::string& now);

}  // namespace scnn
