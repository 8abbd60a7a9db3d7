#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "sweep/sweep.h"

namespace scnn {

/// write_file for what several shards may write at once.
void write_shared(const std::filesystem::path& path, std::string_view content);
/// What plan.json holds.
[[nodiscard]] std::string plan_json(const SweepPlan& plan);
/// The run folder of a run, in the sweep's folder.
[[nodiscard]] std::filesystem::path run_path(const std::filesystem::path& folder, const std::string& run);

}  // namespace scnn
