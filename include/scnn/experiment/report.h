#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scnn/experiment/recorder.h"
#include "scnn/experiment/result.h"
#include "scnn/experiment/run_folder.h"
#include "scnn/experiment/sweep.h"

namespace scnn {

/// What a report shows of one run; finished or not.
struct ReportRun {
  RunInfo info;
  bool abandoned = false;  ///< says it runs, but does not
  std::filesystem::path path;
  std::string config;  ///< config.yaml
  RunHistory history;
  std::optional<RunResult> result;
};

/// Reads a run folder.  Error as RunFolder::open, read_history and read_result.
[[nodiscard]] ReportRun load_report_run(const std::filesystem::path& path);

/// One self-contained HTML page on one run.
[[nodiscard]] std::string run_page(const ReportRun& run);
/// One self-contained HTML page that sets runs side by side: accuracy against size of the file, and their epochs.
[[nodiscard]] std::string comparison_page(const std::vector<ReportRun>& runs);
/// One self-contained HTML page on a sweep: its table, and accuracy against size of the file with the Pareto front.
[[nodiscard]] std::string sweep_page(const std::filesystem::path& folder, const SweepPlan& plan,
                                     const SweepTable& table);

struct ReportFile {
  std::string name, content;
};
// The charts of the pages as files: of each a drawing (.svg) and the data behind it (.csv).
[[nodiscard]] std::vector<ReportFile> run_figures(const ReportRun& run);
[[nodiscard]] std::vector<ReportFile> comparison_figures(const std::vector<ReportRun>& runs);
[[nodiscard]] std::vector<ReportFile> sweep_figures(const SweepPlan& plan, const SweepTable& table);

/// `text` with & < > " ' as references, for text and attributes.
[[nodiscard]] std::string html_escape(std::string_view text);

}  // namespace scnn
