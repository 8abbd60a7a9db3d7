#pragma once

#include "core/json_text.h"
#include "scnn/train/observer.h"

namespace scnn {

// The records of training as JSON objects.

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

}  // namespace scnn
