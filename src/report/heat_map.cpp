#include "report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "record/csv.h"

namespace scnn {
namespace {

constexpr float gone = std::numeric_limits<float>::quiet_NaN();

/// Whether a quantizer gave the layer its bits: without one they are 32.
bool learns(const LayerStatus& layer) {
  return std::any_of(layer.bits.begin(), layer.bits.end(), [](float bits) { return bits < 32; });
}

}  // namespace

std::string heat_shade(int level) {
  static constexpr std::array<std::array<int, 3>, 5> stops = {
      {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}}};
  const double at = std::min(3.9999, 4.0 * level / (heat_shades - 1));
  const auto i = static_cast<std::size_t>(at);
  const double f = at - static_cast<double>(i);
  const auto mix = [&](std::size_t k) {
    return static_cast<int>(std::lround(stops[i][k] + f * (stops[i + 1][k] - stops[i][k])));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2));
}

int heat_level(float bits, float top) {
  return std::clamp(static_cast<int>(std::lround(bits / top * (heat_shades - 1))), 0, heat_shades - 1);
}

std::size_t HeatMap::channels() const {
  return std::accumulate(layers.begin(), layers.end(), std::size_t{0},
                         [](std::size_t sum, const Layer& layer) { return sum + layer.bits.size(); });
}

HeatMap heat_map(const RunHistory& history) {
  HeatMap map;
  std::vector<const std::vector<LayerStatus>*> records;
  for (std::size_t i = 0; i < history.epochs.size(); ++i) {
    if (history.layers[i].empty()) continue;
    map.epochs.push_back(history.epochs[i].epoch);
    records.push_back(&history.layers[i]);
  }
  for (std::size_t e = 0; e < records.size(); ++e) {
    for (const LayerStatus& status : *records[e]) {
      auto at = std::find_if(map.layers.begin(), map.layers.end(),
                             [&](const HeatMap::Layer& layer) { return layer.name == status.layer; });
      if (at == map.layers.end()) {
        if (!learns(status)) continue;
        const auto channels = static_cast<std::size_t>(std::max(0, status.original_channels));
        map.layers.push_back({status.layer, std::vector(channels, std::vector<float>(records.size(), gone))});
        at = map.layers.end() - 1;
      }
      for (std::size_t c = 0; c < std::min(status.channels.size(), status.bits.size()); ++c) {
        const auto channel = static_cast<std::size_t>(status.channels[c]);
        if (channel >= at->bits.size()) continue;
        at->bits[channel][e] = status.bits[c];
        map.top = std::max(map.top, status.bits[c]);
      }
    }
  }
  return map;
}

HeatMap downsampled(const HeatMap& map, std::size_t most) {
  if (map.epochs.size() <= most) return map;
  HeatMap few;
  few.top = map.top;
  for (const HeatMap::Layer& layer : map.layers)
    few.layers.push_back({layer.name, std::vector<std::vector<float>>(layer.bits.size())});
  const std::size_t step = (map.epochs.size() + most - 2) / (most - 1);
  for (std::size_t e = (map.epochs.size() - 1) % step; e < map.epochs.size(); e += step) {
    few.epochs.push_back(map.epochs[e]);
    for (std::size_t l = 0; l < map.layers.size(); ++l) {
      for (std::size_t c = 0; c < map.layers[l].bits.size(); ++c)
        few.layers[l].bits[c].push_back(map.layers[l].bits[c][e]);
    }
  }
  return few;
}

HeatMap one_layer(const HeatMap& map, std::size_t layer) { return {map.epochs, {map.layers.at(layer)}, map.top}; }

std::string heat_csv(const HeatMap& map) {
  std::string csv = "layer,channel";
  for (const std::int64_t epoch : map.epochs) csv += fmt::format(",{}", epoch);
  csv += "\n";
  for (const HeatMap::Layer& layer : map.layers) {
    for (std::size_t c = 0; c < layer.bits.size(); ++c) {
      csv += fmt::format("{},{}", csv_field(layer.name), c);
      for (const float bits : layer.bits[c]) csv += std::isnan(bits) ? "," : fmt::format(",{:.4g}", bits);
      csv += "\n";
    }
  }
  return csv;
}

Json heat_json(const HeatMap& map) {
  Json layers = Json::array(), colours = Json::array();
  for (const HeatMap::Layer& layer : map.layers) layers.push_back(layer.name);
  for (int level = 0; level < heat_shades; ++level) colours.push_back(heat_shade(level));
  return {{"csv", heat_csv(map)}, {"layers", layers}, {"colours", colours}, {"top", map.top}};
}

}  // namespace scnn
