#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/report.h"
#include "sweep/sweep.h"

namespace scnn {

/// One self-contained HTML page on a sweep: its table, and accuracy against size of the file with the Pareto front.
[[nodiscard]] std::string sweep_page(const std::filesystem::path& folder, const SweepPlan& plan,
                                     const SweepTable& table);

/// Its charts as files: of each a drawing (.svg) and the data behind it (.csv).
[[nodiscard]] std::vector<ReportFile> sweep_figures(const SweepPlan& plan, const SweepTable& table);

}  // namespace scnn
