#pragma once

#include <nlohmann/json.hpp>

#include "scnn/train/observer.h"

namespace scnn {

// The records of training as JSON objects.  Keys keep the order in which people read them.
using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const StepRecord& record);
[[nodiscard]] Json to_json(const EpochRecord& record);
[[nodiscard]] Json to_json(const RemovalRecord& record);
[[nodiscard]] Json to_json(const SizeStatus& size);
[[nodiscard]] Json to_json(const LayerStatus& layer);

// The inverse; nlohmann's exceptions where keys are missing or of another type.  null reads as NaN where a number may
// be one: JSON has no NaN.
[[nodiscard]] EpochRecord epoch_from_json(const Json& json);
[[nodiscard]] RemovalRecord removal_from_json(const Json& json);
[[nodiscard]] SizeStatus size_from_json(const Json& json);
[[nodiscard]] LayerStatus layer_from_json(const Json& json);

/// A number, or NaN for null.
[[nodiscard]] double number(const Json& json);
/// One line of text; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dump(const Json& json, int indent = -1);

}  // namespace scnn
