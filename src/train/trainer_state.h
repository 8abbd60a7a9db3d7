#pragma once

#include <string>
#include <vector>

#include "scnn/train/trainer.h"

namespace scnn {

/// The trainer's state as JSON text, for a checkpoint's metadata.
[[nodiscard]] std::string state_text(const TrainerState& state, const PolicyList& policies,
                                     const std::vector<Schedule>& schedules);
/// Reads it back, also as version 0.1.0 wrote it.  States of policies that this run lacks are passed over.
/// Error(checkpoint) where it does not fit.
void restore_state(const Checkpoint& checkpoint, TrainerState& state, const PolicyList& policies,
                   std::vector<Schedule>& schedules);

}  // namespace scnn
