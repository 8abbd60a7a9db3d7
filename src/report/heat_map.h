#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/recorder.h"
#include "record/records.h"

namespace scnn {

/// Learned bits of every output channel over the epochs.
struct HeatMap {
  struct Layer {
    std::string name;
    std::vector<std::vector<float>> bits;  ///< [original channel][epoch]; NaN: the channel is gone
  };
  std::vector<std::int64_t> epochs;
  std::vector<Layer> layers;  ///< those that have a quantizer
  float top = 1;              ///< the most bits of all

  [[nodiscard]] std::size_t channels() const;
};

[[nodiscard]] HeatMap heat_map(const RunHistory& history);
/// Every k-th epoch and the last one, at most `most`.
[[nodiscard]] HeatMap downsampled(const HeatMap& map, std::size_t most);
/// The same scale, one layer alone.
[[nodiscard]] HeatMap one_layer(const HeatMap& map, std::size_t layer);

/// Colours from 0 to `top` bits: Viridis, even in lightness, safe for colour blindness and in grey.
constexpr int heat_shades = 32;
[[nodiscard]] std::string heat_shade(int level);
[[nodiscard]] int heat_level(float bits, float top);

/// "layer,channel,1,2,3": a line a channel, a column an epoch, empty where the channel is gone.
[[nodiscard]] std::string heat_csv(const HeatMap& map);
/// Rows are channels, layer below layer; what is gone is hatched.
[[nodiscard]] std::string heat_svg(const HeatMap& map);
/// For report.js: the CSV, the names of the layers, the colours from 0 to `top` bits.
[[nodiscard]] Json heat_json(const HeatMap& map);

}  // namespace scnn
