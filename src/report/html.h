#pragma once

#include <string>
#include <vector>

#include "record/records.h"
#include "report/figure.h"
#include "report/heat_map.h"
#include "report/report.h"

namespace scnn {

/// One figure with its caption, as a tile at the head of a page.
struct Tile {
  std::string value, label;
};

[[nodiscard]] std::string tiles_html(const std::vector<Tile>& tiles);
/// The charts' places: the drawing, and the canvas that report.js puts over it; the heat map where it has layers.
[[nodiscard]] std::string charts_html(const std::vector<Figure>& figures, const HeatMap& heat = {});
/// The whole page around `body`: styles, scripts and the data of the charts.
[[nodiscard]] std::string page_html(const std::string& title, const std::string& body,
                                    const std::vector<Figure>& figures, const HeatMap& heat = {});
/// Of each figure FIGURE.svg and FIGURE.csv, of the heat map also bits-LAYER.svg.
[[nodiscard]] std::vector<ReportFile> figure_files(const std::vector<Figure>& figures, const HeatMap& heat = {});
[[nodiscard]] Axis epoch_axis();
/// A <details> element with settings in it.
[[nodiscard]] std::string settings_html(const std::string& title, const std::string& yaml);

/// The charts of a run's page, but for the heat map; none before the first epoch is done.
[[nodiscard]] std::vector<Figure> figures_of(const ReportRun& run);
/// Accuracy, size and time by epoch, a line for each run.
[[nodiscard]] std::vector<Figure> overlays(const std::vector<ReportRun>& runs, const std::vector<std::string>& names);
/// Accuracy against the size of the file, without series.
[[nodiscard]] Figure pareto_figure(const std::string& caption);
/// The layers at the last epoch that has a record of them.
[[nodiscard]] std::vector<LayerStatus> last_layers(const RunHistory& history);

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
/// Mean bits of a layer's live weights; NaN where none is left.
[[nodiscard]] double mean_bits(const LayerStatus& layer);
/// "fashion-mnist/20240101T120000Z-abcd"
[[nodiscard]] std::string run_label(const ReportRun& run);

}  // namespace scnn
