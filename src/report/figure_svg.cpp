#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/figure.h"
#include "report/svg.h"

namespace scnn {
namespace {

constexpr const char* thin = "stroke=\"currentColor\" stroke-opacity=\"0.15\"";

double width_of(const std::string& text) { return Svg::letter * static_cast<double>(text.size()); }

/// One figure on its way into a drawing; y grows downwards there.
class Drawing {
 public:
  explicit Drawing(const Figure& figure)
      : figure_(figure), x_(x_scale(figure)), y_(y_scale(figure)), right_(width() - 14), svg_(start()) {}

  std::string draw() {
    legend();
    axes();
    for (std::size_t i = 0; i < figure_.series.size(); ++i) {
      if (figure_.kind == Figure::Kind::bars) {
        bars(i);
      } else {
        lines(i);
      }
    }
    names();
    return svg_.finish();
  }

 private:
  [[nodiscard]] double width() const { return figure_.wide ? 720 : 480; }
  [[nodiscard]] double band() const { return (right_ - left_) / static_cast<double>(figure_.categories.size()); }
  [[nodiscard]] double at_x(double value) const { return left_ + x_.share(value) * (right_ - left_); }
  [[nodiscard]] double at_y(double value) const { return bottom_ - y_.share(value) * (bottom_ - top_); }

  /// The room the legend and the ticks' labels need, then the drawing's size.
  Svg start() {
    std::size_t longest = 1;
    for (const auto& [value, label] : y_.ticks) longest = std::max(longest, label.size());
    left_ = 30 + Svg::letter * static_cast<double>(longest);
    double x = left_;
    for (const Series& series : figure_.series) {
      if (figure_.series.size() < 2) break;
      const double needs = 38 + width_of(series.label);
      if (x > left_ && x + needs > right_) {
        x = left_;
        top_ += 17;
      }
      places_.emplace_back(x, top_ + 4);
      x += needs;
    }
    top_ += places_.empty() ? 8 : 20;
    bottom_ = top_ + (figure_.wide ? 360 : 230);
    double longest_name = 0;
    for (const std::string& name : figure_.categories) longest_name = std::max(longest_name, width_of(name));
    upright_ = !figure_.categories.empty() && longest_name + 6 > band();
    below_ = upright_ ? 12 + 0.87 * std::min(longest_name, 24 * Svg::letter) : 18;
    return {width(), bottom_ + below_ + 24, figure_.title};
  }

  void legend() {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const auto [x, y] = places_[i];
      const Series& series = figure_.series[i];
      const Look style = look(i);
      if (figure_.kind == Figure::Kind::bars) {
        svg_.rect(x, y - 5, 18, 10, bar_style(i));
      } else {
        if (series.joined) svg_.line(x, y, x + 22, y, line_style(i));
        svg_.mark(x + 11, y, style.shape, style.colour, series.hollow);
      }
      svg_.text(x + 27, y + 4, series.label);
    }
  }

  void axes() {
    for (const auto& [value, label] : y_.ticks) {
      svg_.line(left_, at_y(value), right_, at_y(value), thin);
      svg_.text(left_ - 6, at_y(value) + 4, label, "end");
    }
    if (figure_.categories.empty()) {
      double taken = -1e9;
      for (const auto& [value, label] : x_.ticks) {
        svg_.line(at_x(value), top_, at_x(value), bottom_, thin);
        if (at_x(value) - width_of(label) / 2 < taken + 6) continue;
        svg_.text(at_x(value), bottom_ + 16, label, "middle");
        taken = at_x(value) + width_of(label) / 2;
      }
    } else {
      const auto every = static_cast<std::size_t>(std::max(1.0, std::ceil(13 / band())));
      for (std::size_t i = 0; i < figure_.categories.size(); i += every) {
        const double x = left_ + (static_cast<double>(i) + 0.5) * band();
        const std::string name = figure_.categories[i].substr(0, 24);
        if (upright_) {
          svg_.text(x + 4, bottom_ + 12, name, "end", 60);
        } else {
          svg_.text(x, bottom_ + 16, name, "middle");
        }
      }
    }
    svg_.path(fmt::format("M{:.5g} {:.5g}V{:.5g}H{:.5g}", left_, top_, bottom_, right_), Svg::frame);
    svg_.text((left_ + right_) / 2, bottom_ + below_ + 16, figure_.x.title, "middle");
    svg_.text(14, (top_ + bottom_) / 2, figure_.y.title, "middle", 90);
  }

  [[nodiscard]] std::string line_style(std::size_t i) const {
    const Look style = look(i);
    return fmt::format("stroke=\"{}\" stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke-dasharray=\"{}\"",
                       style.colour, *style.dash == '\0' ? "none" : style.dash);
  }

  [[nodiscard]] std::string bar_style(std::size_t i) const {
    const char* colour = look(i).colour;
    return fmt::format("stroke=\"{}\" fill=\"{}\"", colour, figure_.series[i].hollow ? "none" : colour);
  }

  void lines(std::size_t i) {
    const Series& series = figure_.series[i];
    const Look style = look(i);
    std::string steps;
    for (const Point& p : series.points) {
      if (!std::isfinite(p.y)) continue;
      if (!steps.empty() && series.stepped) steps += fmt::format("H{:.5g}", at_x(p.x));
      steps += fmt::format("{}{:.5g} {:.5g}", steps.empty() ? "M" : "L", at_x(p.x), at_y(p.y));
    }
    if (series.joined && !steps.empty()) svg_.path(steps, line_style(i));
    for (const Point& p : series.points) {
      if (!std::isfinite(p.y)) continue;
      whiskers(p, at_x(p.x), style.colour);
      if (!series.joined || series.points.size() <= most_marks) {
        svg_.mark(at_x(p.x), at_y(p.y), style.shape, style.colour, series.hollow,
                  figure_.kind != Figure::Kind::points ? 3.2
                  : series.hollow                      ? 6.5
                                                       : 4.5);
      }
    }
  }

  void bars(std::size_t i) {
    const Series& series = figure_.series[i];
    const double one = 0.8 * band() / static_cast<double>(figure_.series.size());
    for (const Point& p : series.points) {
      if (!std::isfinite(p.y)) continue;
      const double x = left_ + (p.x + 0.1) * band() + static_cast<double>(i) * one;
      svg_.rect(x, at_y(p.y), one * 0.94, bottom_ - at_y(p.y), bar_style(i));
      whiskers(p, x + one * 0.47, "currentColor");
    }
  }

  void whiskers(const Point& p, double x, const std::string& colour) {
    const std::string style = fmt::format("stroke=\"{}\" stroke-width=\"1.2\"", colour);
    if (std::isfinite(p.y_low)) {
      svg_.path(fmt::format("M{0:.5g} {1:.5g}h6m-3 0V{2:.5g}m-3 0h6", x - 3, at_y(p.y_low), at_y(p.y_high)), style);
    }
    if (std::isfinite(p.x_low)) {
      svg_.path(fmt::format("M{0:.5g} {1:.5g}v6m0 -3H{2:.5g}m0 -3v6", at_x(p.x_low), at_y(p.y) - 3, at_x(p.x_high)),
                style);
    }
  }

  /// Beside the points, where there is room: report.js does the same.
  void names() {
    struct Box {
      double x, y, width;
    };
    std::vector<Box> taken;
    std::set<std::string> named;  // a point of two series has one name
    if (figure_.kind != Figure::Kind::points) return;
    for (const Series& series : figure_.series) {
      for (const Point& p : series.points) {
        if (!std::isfinite(p.y) || p.name.empty() || !named.insert(p.name).second) continue;
        const double w = width_of(p.name);
        const double x = at_x(p.x) + 9 + w < right_ ? at_x(p.x) + 9 : at_x(p.x) - 9 - w;
        for (const double dy : {-7.0, 15.0, -20.0, 28.0}) {
          const double y = at_y(p.y) + dy;
          if (std::any_of(taken.begin(), taken.end(),
                          [&](const Box& t) { return std::abs(t.y - y) < 12 && x < t.x + t.width && t.x < x + w; })) {
            continue;
          }
          taken.push_back({x, y, w});
          svg_.text(x, y, p.name);
          break;
        }
      }
    }
  }

  const Figure& figure_;
  Scale x_, y_;
  double left_ = 0, right_ = 0, top_ = 10, bottom_ = 0;
  double below_ = 18;  ///< the bars' names, or the ticks' labels
  bool upright_ = false;
  std::vector<std::pair<double, double>> places_;  ///< of the legend's entries
  Svg svg_;
};

}  // namespace

std::string figure_svg(const Figure& figure) { return Drawing(figure).draw(); }

}  // namespace scnn
