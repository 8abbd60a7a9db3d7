#pragma once

#include <string>
#include <vector>

#include "experiment/records.h"
#include "scnn/experiment/report.h"

namespace scnn {

/// One figure with its caption, as a tile at the head of a page.
struct Tile {
  std::string value, label;
};

[[nodiscard]] std::string tiles_html(const std::vector<Tile>& tiles);
/// A chart's place: title, what it shows, and the canvas that report.js draws on.
[[nodiscard]] std::string chart_html(const std::string& id, const std::string& title, const std::string& caption,
                                     const std::string& classes = "");
/// The whole page around `body`: styles, scripts and the data of the charts.
[[nodiscard]] std::string page_html(const std::string& title, const std::string& body, const Json& data);

/// Percent with two decimals, "-" for NaN.
[[nodiscard]] std::string percent_text(double share);
/// The accuracy a run is judged by: model.scnn's on the test split, or, before the run is done, the last evaluation's.
struct Headline {
  double top1 = 0;
  std::string split;
};
[[nodiscard]] std::optional<Headline> headline(const ReportRun& run);
[[nodiscard]] std::int64_t removed_channels(const ReportRun& run);
/// Seconds of training steps, all epochs.
[[nodiscard]] double train_seconds(const ReportRun& run);
/// The epochs of a run for report.js.
[[nodiscard]] Json epochs_json(const ReportRun& run);
/// Mean bits of a layer's live weights; NaN where none is left.
[[nodiscard]] double mean_bits(const LayerStatus& layer);
/// "fashion-mnist/20240101T120000Z-abcd"
[[nodiscard]] std::string run_label(const ReportRun& run);

}  // namespace scnn
