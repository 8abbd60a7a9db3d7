#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/figure.h"
#include "report/heat_map.h"
#include "report/svg.h"

namespace scnn {
namespace {

constexpr const char* hatched = "fill=\"url(#gone)\"";
constexpr std::size_t longest_name = 24;

/// The cells' place in the drawing, and the size of one.
struct HeatField {
  double left, top, width, height, column, row;
};

HeatField field_of(const HeatMap& map) {
  std::size_t longest = 4;
  for (const HeatMap::Layer& layer : map.layers) longest = std::max(longest, std::min(longest_name, layer.name.size()));
  const auto rows = static_cast<double>(map.channels());
  HeatField field{};
  field.left = map.layers.size() == 1 ? 34 + 4 * Svg::letter : 16 + Svg::letter * static_cast<double>(longest);
  field.top = 10;
  field.width = 466 - field.left;
  field.row = std::min(420 / rows, 12.0);
  field.height = rows * field.row;
  field.column = field.width / static_cast<double>(map.epochs.size());
  return field;
}

/// One path a shade, in units of cells; neighbours of one shade are one box.
void draw_cells(Svg& svg, const HeatMap& map, const HeatField& field) {
  std::array<std::string, heat_shades> paths;
  std::size_t y = 0;
  const std::size_t columns = map.epochs.size();
  for (const HeatMap::Layer& layer : map.layers) {
    for (const std::vector<float>& bits : layer.bits) {
      for (std::size_t x = 0, next = 0; x < columns; x = next) {
        next = x + 1;
        if (std::isnan(bits[x])) continue;
        const int level = heat_level(bits[x], map.top);
        while (next < columns && !std::isnan(bits[next]) && heat_level(bits[next], map.top) == level) ++next;
        paths[static_cast<std::size_t>(level)] += fmt::format("M{0} {1}h{2}v1h-{2}z", x, y, next - x);
      }
      ++y;
    }
  }
  svg.add(fmt::format("<g transform=\"translate({:.5g} {:.5g}) scale({:.7g} {:.7g})\" shape-rendering=\"crispEdges\">",
                      field.left, field.top, field.column, field.row));
  for (int level = 0; level < heat_shades; ++level) {
    const std::string& path = paths[static_cast<std::size_t>(level)];
    if (!path.empty()) svg.path(path, "fill=\"" + heat_shade(level) + "\"");
  }
  svg.add("</g>");
}

void name_layers(Svg& svg, const HeatMap& map, const HeatField& field) {
  double taken = -1e9, at = field.top;
  for (const HeatMap::Layer& layer : map.layers) {
    svg.line(field.left - 5, at, field.left + field.width, at, Svg::frame);
    const double height = field.row * static_cast<double>(layer.bits.size()), middle = at + height / 2 + 4;
    at += height;
    if (middle - taken < Svg::font) continue;
    svg.text(field.left - 7, middle, layer.name.substr(0, longest_name), "end");
    taken = middle;
  }
}

void number_channels(Svg& svg, const HeatMap& map, const HeatField& field) {
  const double last = static_cast<double>(map.channels()) - 0.5;
  for (const auto& [channel, label] : linear_ticks(0, last, std::max(1, static_cast<int>(field.height / 30)), true)) {
    svg.text(field.left - 7, field.top + (channel + 0.5) * field.row + 4, label, "end");
  }
  svg.text(14, field.top + field.height / 2, "channel", "middle", 90);
}

void number_epochs(Svg& svg, const HeatMap& map, const HeatField& field) {
  const double needs = 10 + Svg::letter * static_cast<double>(std::to_string(map.epochs.back()).size());
  const auto every = static_cast<std::size_t>(std::ceil(needs / field.column));
  for (std::size_t e = 0; e < map.epochs.size(); e += every) {
    const double x = field.left + (static_cast<double>(e) + 0.5) * field.column;
    svg.text(x, field.top + field.height + 16, std::to_string(map.epochs[e]), "middle");
  }
  svg.text(field.left + field.width / 2, field.top + field.height + 34, "epoch", "middle");
}

void draw_key(Svg& svg, const HeatMap& map, double left, double top) {
  for (int level = 0; level < heat_shades; ++level) {
    svg.rect(left + 5 * level, top, 5.2, 11, "fill=\"" + heat_shade(level) + "\"");
  }
  const double right = left + 5 * heat_shades;
  svg.text(left, top + 25, "0");
  svg.text(right, top + 25, fmt::format("{:.1f} bits", map.top), "end");
  svg.rect(right + 24, top, 22, 11, fmt::format("{} {}", hatched, Svg::frame));
  svg.text(right + 52, top + 10, "removed");
}

}  // namespace

std::string heat_svg(const HeatMap& map) {
  const HeatField field = field_of(map);
  const double bottom = field.top + field.height;
  const bool alone = map.layers.size() == 1;
  Svg svg(480, bottom + 86, alone ? "Bits of the channels of " + map.layers[0].name : "Bits of the channels");
  svg.add(
      "<defs><pattern id=\"gone\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><path "
      "d=\"M-1 1l2 -2M0 5l5 -5M4 6l2 -2\" stroke=\"currentColor\" stroke-opacity=\"0.3\" "
      "stroke-width=\"0.7\"/></pattern></defs>");
  svg.rect(field.left, field.top, field.width, field.height, hatched);
  draw_cells(svg, map, field);
  if (alone) {
    number_channels(svg, map, field);
  } else {
    name_layers(svg, map, field);
  }
  svg.rect(field.left, field.top, field.width, field.height, Svg::frame);
  number_epochs(svg, map, field);
  draw_key(svg, map, field.left, bottom + 48);
  return svg.finish();
}

}  // namespace scnn
