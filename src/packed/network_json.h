#pragma once

#include <string>

#include "scnn/packed/packed.h"

namespace scnn::deploy {

/// The model's name, classes and layers with their options as JSON text, for readers in other languages.
[[nodiscard]] std::string network_json(const PackedModel& model);

}  // namespace scnn::deploy
