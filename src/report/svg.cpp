#include "report/svg.h"

#include <fmt/format.h>

#include "core/escape.h"
#include "report/report.h"

namespace scnn {
namespace {

std::string safe(const std::string& text) { return html_escape(escape_control_characters(text)); }

}  // namespace

Svg::Svg(double width, double height, const std::string& title)
    : body_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" "
                        "height=\"{1:g}\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\" "
                        "font-size=\"{2:g}\" fill=\"none\">\n<title>{3}</title>\n",
                        width, height, font, safe(title))) {}

void Svg::line(double x1, double y1, double x2, double y2, const std::string& style) {
  add(fmt::format("<path d=\"M{:.5g} {:.5g}L{:.5g} {:.5g}\" {}/>", x1, y1, x2, y2, style));
}

void Svg::rect(double x, double y, double width, double height, const std::string& style) {
  add(fmt::format("<rect x=\"{:.5g}\" y=\"{:.5g}\" width=\"{:.5g}\" height=\"{:.5g}\" {}/>", x, y, width, height,
                  style));
}

void Svg::path(const std::string& steps, const std::string& style) {
  add(fmt::format("<path d=\"{}\" {}/>", steps, style));
}

void Svg::text(double x, double y, const std::string& text, const char* anchor, double degrees,
               const std::string& style) {
  const std::string turn = degrees == 0 ? "" : fmt::format(" transform=\"rotate({:g} {:.5g} {:.5g})\"", -degrees, x, y);
  add(fmt::format("<text x=\"{:.5g}\" y=\"{:.5g}\" text-anchor=\"{}\" fill=\"currentColor\"{} {}>{}</text>", x, y,
                  anchor, turn, style, safe(text)));
}

void Svg::mark(double x, double y, std::string_view shape, const std::string& colour, bool hollow, double radius) {
  const bool lines = shape == "crossRot" || shape == "star";
  const std::string style = fmt::format("stroke=\"{0}\" stroke-width=\"1.5\" fill=\"{1}\"", colour,
                                        hollow || lines ? std::string("none") : colour);
  const double r = radius;
  std::string steps;
  if (shape == "circle") {
    add(fmt::format("<circle cx=\"{:.5g}\" cy=\"{:.5g}\" r=\"{:g}\" {}/>", x, y, r, style));
    return;
  }
  if (shape == "rect") {
    steps = fmt::format("m{0:g} {0:g}h{1:g}v{1:g}h-{1:g}z", -0.9 * r, 1.8 * r);
  } else if (shape == "triangle") {
    steps = fmt::format("m0 {:g}l{:g} {:g}h{:g}z", -1.1 * r, 1.1 * r, 2 * r, -2.2 * r);
  } else if (shape == "rectRot") {
    steps = fmt::format("m0 {0:g}l{1:g} {1:g}l{0:g} {1:g}l{0:g} {0:g}z", -1.2 * r, 1.2 * r);
  } else {
    steps = fmt::format("m{0:g} {0:g}l{1:g} {1:g}m0 {2:g}l{2:g} {1:g}", -0.8 * r, 1.6 * r, -1.6 * r);
    if (shape == "star")
      steps += fmt::format("m{:g} {:g}h{:g}m{:g} {:g}v{:g}", -0.4 * r, -0.8 * r, 2.4 * r, -1.2 * r, -1.2 * r, 2.4 * r);
  }
  path(fmt::format("M{:.5g} {:.5g}", x, y) + steps, style);
}

}  // namespace scnn
