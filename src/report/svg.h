#pragma once

#include <string>
#include <string_view>

namespace scnn {

/// Elements of an SVG drawing, one after another.  Texts and lines take the surrounding text's colour (currentColor).
class Svg {
 public:
  /// Font size, and about the width of a character of it.
  static constexpr double font = 12, letter = 6.6;
  /// The style of axes and frames.
  static constexpr const char* frame = "stroke=\"currentColor\" stroke-opacity=\"0.6\"";

  Svg(double width, double height, const std::string& title);
  void line(double x1, double y1, double x2, double y2, const std::string& style);
  void rect(double x, double y, double width, double height, const std::string& style);
  void path(const std::string& steps, const std::string& style);
  /// `anchor`: start, middle or end; turned counter-clockwise by `degrees` around (x, y).
  void text(double x, double y, const std::string& text, const char* anchor = "start", double degrees = 0,
            const std::string& style = "");
  /// One of Chart.js' point styles around (x, y).
  void mark(double x, double y, std::string_view shape, const std::string& colour, bool hollow, double radius = 3.2);
  /// Whatever else.
  void add(const std::string& element) { body_ += element + "\n"; }
  /// The whole drawing.
  [[nodiscard]] std::string finish() const { return body_ + "</svg>\n"; }

 private:
  std::string body_;
};

}  // namespace scnn
