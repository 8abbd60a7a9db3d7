#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "record/records.h"

namespace scnn {

// A chart is described once; the page (report.js), the SVG file and the CSV file are drawn from the description.

struct Point {
  double x = 0, y = 0;     ///< y NaN: a gap
  std::string name, note;  ///< beside the point; what a tooltip says in place of the figures
  // What the whiskers reach to; NaN: none.
  double x_low = std::numeric_limits<double>::quiet_NaN(), x_high = x_low;
  double y_low = x_low, y_high = x_low;
};

struct Series {
  std::string label;
  std::vector<Point> points;
  bool joined = true;    ///< by a line
  bool stepped = false;  ///< the line goes sideways, then up
  bool hollow = false;   ///< marks, larger ones, or bars in outline
};

struct Axis {
  std::string title;
  int decimals = 0;          ///< of the figures in tooltips
  bool from_zero = false;    ///< shows 0
  bool whole = false;        ///< ticks at whole numbers alone, no margin
  bool logarithmic = false;  ///< where the values span a factor of 4 or more
};

struct Figure {
  enum class Kind { lines, bars, points };
  std::string id, title, caption;  ///< id: of the canvas, and the files' name
  Kind kind = Kind::lines;
  Axis x, y;
  std::vector<std::string> categories;  ///< bars: their names; x counts them from 0
  std::vector<Series> series;
  bool wide = false;  ///< takes the page's whole width
};

/// An axis with its ends and ticks, for every drawing of the figure.
struct Scale {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<std::pair<double, std::string>> ticks;

  /// 0 at `low`, 1 at `high`.
  [[nodiscard]] double share(double value) const;
};
[[nodiscard]] Scale x_scale(const Figure& figure);
[[nodiscard]] Scale y_scale(const Figure& figure);
/// Nice values from low to high, at most about `count`.
[[nodiscard]] std::vector<std::pair<double, std::string>> linear_ticks(double low, double high, int count, bool whole);

/// How series `index` looks: colour, dash and shape differ together, so that none is needed.
struct Look {
  const char* colour;  ///< after Okabe and Ito, for any colour vision; each stands out from white and from black
  const char* dash;    ///< SVG's stroke-dasharray
  const char* shape;   ///< one of Chart.js' point styles
};
[[nodiscard]] Look look(std::size_t index);
/// Above this many points a line goes without marks.
constexpr std::size_t most_marks = 60;

/// The figure for report.js, its CSV included.
[[nodiscard]] Json figure_json(const Figure& figure);
/// A drawing that stands alone; in a page it takes the text's colour.
[[nodiscard]] std::string figure_svg(const Figure& figure);
/// A line for every x (or bar, or point), a column for every series; numbers with up to ten digits.
[[nodiscard]] std::string figure_csv(const Figure& figure);

}  // namespace scnn
