#include "report/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "record/csv.h"

namespace scnn {
namespace {

using Value = double Point::*;

/// Every finite value of the members.
std::vector<double> values_of(const Figure& figure, std::initializer_list<Value> members) {
  std::vector<double> values;
  for (const Series& series : figure.series) {
    for (const Point& point : series.points) {
      if (!std::isfinite(point.y)) continue;
      for (const Value member : members) {
        if (std::isfinite(point.*member)) values.push_back(point.*member);
      }
    }
  }
  return values;
}

std::vector<std::pair<double, std::string>> logarithmic_ticks(double low, double high) {
  std::vector<std::pair<double, std::string>> ticks;
  const bool few = std::log10(high / low) > 3;
  for (int power = static_cast<int>(std::floor(std::log10(low))); std::pow(10.0, power) <= high; ++power) {
    for (const int digit : {1, 2, 5}) {
      const double value = digit * std::pow(10.0, power);
      if (value >= low && value <= high && (digit == 1 || !few)) ticks.emplace_back(value, fmt::format("{:g}", value));
    }
  }
  return ticks;
}

Scale scale_of(const Axis& axis, std::vector<double> values, double margin) {
  Scale scale;
  if (axis.from_zero) values.push_back(0);
  if (values.empty()) values = {0, 1};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  scale.low = *low;
  scale.high = *high;
  scale.logarithmic = axis.logarithmic && *low > 0 && *high >= 4 * *low;
  if (scale.logarithmic) {
    const double factor = std::pow(scale.high / scale.low, margin);
    scale.low /= factor;
    scale.high *= factor;
    scale.ticks = logarithmic_ticks(scale.low, scale.high);
    return scale;
  }
  double more = margin * (scale.high - scale.low);
  // Values that differ by rounding alone are one: ticks between them would be none of double's numbers.
  const bool same = scale.high - scale.low <= 1e-9 * std::max(std::abs(scale.high), std::abs(scale.low));
  if (same) more = axis.whole ? 1 : std::max(std::abs(scale.high) * 0.01, 1e-3);
  if (!axis.from_zero || scale.low < 0) scale.low -= more;
  scale.high += more;
  scale.ticks = linear_ticks(scale.low, scale.high, 7, axis.whole);
  return scale;
}

bool has_whiskers(const Figure& figure, Value low) { return !values_of(figure, {low}).empty(); }

/// A line of CSV, one field after the other.
class Line {
 public:
  Line& operator<<(const std::string& field) {
    if (started_) text_ += ',';
    started_ = true;
    text_ += csv_field(field);
    return *this;
  }
  Line& operator<<(double value) { return *this << (std::isfinite(value) ? fmt::format("{:.10g}", value) : ""); }
  [[nodiscard]] std::string finish() const { return text_ + '\n'; }

 private:
  std::string text_;
  bool started_ = false;
};

void add_title(Line& line, const std::string& title, bool whiskers) {
  line << title;
  if (whiskers) line << title + " low" << title + " high";
}

std::string points_csv(const Figure& figure) {
  const bool x = has_whiskers(figure, &Point::x_low), y = has_whiskers(figure, &Point::y_low);
  Line head;
  head << "series"
       << "name";
  add_title(head, figure.x.title, x);
  add_title(head, figure.y.title, y);
  std::string csv = head.finish();
  for (const Series& series : figure.series) {
    for (const Point& p : series.points) {
      Line line;
      line << series.label << p.name << p.x;
      if (x) line << p.x_low << p.x_high;
      line << p.y;
      if (y) line << p.y_low << p.y_high;
      csv += line.finish();
    }
  }
  return csv;
}

}  // namespace

double Scale::share(double value) const {
  if (logarithmic) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

Scale x_scale(const Figure& figure) {
  return scale_of(figure.x, values_of(figure, {&Point::x, &Point::x_low, &Point::x_high}), figure.x.whole ? 0 : 0.06);
}

Scale y_scale(const Figure& figure) {
  return scale_of(figure.y, values_of(figure, {&Point::y, &Point::y_low, &Point::y_high}), 0.06);
}

std::vector<std::pair<double, std::string>> linear_ticks(double low, double high, int count, bool whole) {
  const double rough = (high - low) / count;
  double step = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {2.0, 2.5, 2.0}) {  // 1, 2, 5, 10
    if (step < rough * 0.999) step *= factor;
  }
  if (whole) step = std::max(1.0, std::round(step));
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  std::vector<std::pair<double, std::string>> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) {
    ticks.emplace_back(k * step, fmt::format("{:.{}f}", k * step + 0.0, decimals));
  }
  return ticks;
}

Look look(std::size_t index) {
  static constexpr const char* colours[] = {"#1a7fc4", "#d98200", "#009e73", "#cc79a7",
                                            "#d55e00", "#4aa3dd", "#8c7a00", "#808080"};
  static constexpr const char* dashes[] = {"", "6 3", "2 3", "8 3 2 3"};
  static constexpr const char* shapes[] = {"circle", "rect", "triangle", "rectRot", "crossRot", "star"};
  return {colours[index % std::size(colours)], dashes[index % std::size(dashes)], shapes[index % std::size(shapes)]};
}

Json figure_json(const Figure& figure) {
  const auto axis_json = [](const Axis& axis, const Scale& scale) {
    return Json{{"title", axis.title}, {"decimals", axis.decimals}, {"min", scale.low},
                {"max", scale.high},   {"ticks", scale.ticks},      {"logarithmic", scale.logarithmic}};
  };
  Json json = {{"id", figure.id},
               {"title", figure.title},
               {"kind", figure.kind == Figure::Kind::lines  ? "lines"
                        : figure.kind == Figure::Kind::bars ? "bars"
                                                            : "points"},
               {"x", axis_json(figure.x, x_scale(figure))},
               {"y", axis_json(figure.y, y_scale(figure))},
               {"categories", figure.categories},
               {"series", Json::array()},
               {"csv", figure_csv(figure)}};
  for (std::size_t i = 0; i < figure.series.size(); ++i) {
    const Series& series = figure.series[i];
    const Look style = look(i);
    Json points = Json::array();
    for (const Point& p : series.points) {
      Json point = {{"x", p.x}, {"y", p.y}};
      if (!p.name.empty()) point["name"] = p.name;
      if (!p.note.empty()) point["note"] = p.note;
      if (std::isfinite(p.x_low)) point["xs"] = {p.x_low, p.x_high};
      if (std::isfinite(p.y_low)) point["ys"] = {p.y_low, p.y_high};
      points.push_back(std::move(point));
    }
    json["series"].push_back({{"label", series.label},
                              {"colour", style.colour},
                              {"dash", style.dash},
                              {"shape", style.shape},
                              {"joined", series.joined},
                              {"stepped", series.stepped},
                              {"hollow", series.hollow},
                              {"marks", !series.joined || series.points.size() <= most_marks},
                              {"points", points}});
  }
  return json;
}

std::string figure_csv(const Figure& figure) {
  if (figure.kind == Figure::Kind::points) return points_csv(figure);
  const bool whiskers = has_whiskers(figure, &Point::y_low);
  Line head;
  head << figure.x.title;
  std::map<double, std::vector<const Point*>> rows;
  for (std::size_t i = 0; i < figure.series.size(); ++i) {
    add_title(head, figure.series[i].label, whiskers);
    for (const Point& point : figure.series[i].points) {
      auto& row = rows[point.x];
      row.resize(figure.series.size());
      row[i] = &point;
    }
  }
  static const Point none{0, std::nan(""), "", ""};
  std::string csv = head.finish();
  for (const auto& [x, row] : rows) {
    Line line;
    if (figure.kind == Figure::Kind::bars) {
      line << figure.categories.at(static_cast<std::size_t>(x));
    } else {
      line << x;
    }
    for (const Point* point : row) {
      const Point& p = point == nullptr ? none : *point;
      line << p.y;
      if (whiskers) line << p.y_low << p.y_high;
    }
    csv += line.finish();
  }
  return csv;
}

}  // namespace scnn
