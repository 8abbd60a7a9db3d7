#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "record/recorder.h"
#include "record/run_folder.h"
#include "scnn/record/result.h"

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
struct ReportFile {
  std::string name, content;
};
// The charts of the pages as files: of each a drawing (.svg) and the data behind it (.csv).
[[nodiscard]] std::vector<ReportFile> run_figures(const ReportRun& run);
[[nodiscard]] std::vector<ReportFile> comparison_figures(const std::vector<ReportRun>& runs);

/// `text` with & < > " ' as references, for text and attributes.
[[nodiscard]] std::string html_escape(std::string_view text);

}  // namespace scnn
