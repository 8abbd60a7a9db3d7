#pragma once

#include <string>
#include <vector>

#include "scnn/train/trainer.h"

namespace scnn {

/// The trainer's state as JSON text, for a checkpoint's metadata.
[[nodiscard]] std::string state_text(const TrainerState& state, const std::vector<Schedule>& schedules);
/// Reads it back.  Error(checkpoint) where it does not fit.
void restore_state(const Checkpoint& checkpoint, TrainerState& state, std::vector<Schedule>& schedules);

}  // namespace scnn
