#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/trace_timer.h"
#include "run/network_table.h"
#include "scnn/run/run.h"

namespace scnn {

/// Which steps of an experiment are measured.
struct ProfileOptions {
  std::int64_t warmup = 10;  ///< steps before them
  std::int64_t steps = 20;   ///< with what follows each: removal, evaluation, checkpoint where one falls due
  /// An existing folder for checkpoints on the way, which go afterwards; empty: no checkpoints.
  std::filesystem::path folder;
  std::function<std::optional<StopRequest>()> should_stop;  ///< asked after every step; may be empty
};

/// What the built-in timer measured.
struct Profile {
  std::string name, device, description;  ///< of the experiment, and of where it ran
  std::int64_t warmup = 0, steps = 0, batch_size = 0;
  /// The mean of the second half of the warm-up, when nobody listened: the difference is what the timer costs.
  std::optional<double> untimed_ms_per_step;
  std::vector<LayerRow> layers;  ///< alive at the end
  RangeTimes times;
};

/// Trains the first steps of the experiment, the later ones under the built-in timer.  Error(usage) where it has fewer
/// steps; a stop on request is an Error of its kind.
[[nodiscard]] Profile profile_experiment(const Experiment& experiment, RunComponents& parts,
                                         const ProfileOptions& options);

/// The same steps with their ranges told to NVIDIA's tools instead (scnn/backend/nsight.h).
void train_under_nsight(const Experiment& experiment, RunComponents& parts, const ProfileOptions& options);

/// For people: every range but the layers' own, then the layers with forward and backward side by side.
[[nodiscard]] std::string profile_table(const Profile& profile);
/// One object with the same numbers; `folder` is where the profile's files are.
[[nodiscard]] std::string profile_json(const Profile& profile, const std::string& folder);
/// Every single range in Chrome's trace event format, for ui.perfetto.dev and chrome://tracing.
[[nodiscard]] std::string trace_json(const std::string& name, const RangeTimes& times);

}  // namespace scnn
