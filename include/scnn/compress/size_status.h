#pragma once

#include <cstdint>
#include <vector>

#include "scnn/nn/graph.h"

namespace scnn {

/// One layer with weights, as it stands.
struct LayerStatus {
  std::string layer;
  std::int32_t original_channels = 0;
  std::vector<std::int32_t> channels;                   ///< original indices of the live output channels
  std::vector<float> bits;                              ///< learned b of each live channel; 32 without a quantizer
  std::int64_t original_weights = 0, live_weights = 0;  ///< live: still present, in channels of b > 0
  double learned_bits = 0;                              ///< sum of b over live weights
  std::int64_t packed_bits = 0;  ///< per channel, bits for (max - min + 1) values, times its live weights
};

/// The whole network's size.  Percentages are of 32 bits for each original weight.
struct SizeStatus {
  std::int64_t original_weights = 0, live_weights = 0;
  std::int32_t original_channels = 0, live_channels = 0;  ///< output channels of layers with weights
  double learned_bits = 0;
  std::int64_t packed_bits = 0;
  std::int64_t macs = 0, original_macs = 0;  ///< of one image
};

/// Measures a graph against its beginning.
class SizeMeter {
 public:
  /// Remembers the present extents as the original ones.
  explicit SizeMeter(const Graph& graph);

  [[nodiscard]] std::int64_t original_weights() const noexcept { return original_weights_; }
  [[nodiscard]] std::vector<LayerStatus> layers(Graph& graph) const;
  [[nodiscard]] SizeStatus total(const Graph& graph, const std::vector<LayerStatus>& layers) const;

 private:
  std::vector<std::int64_t> layer_weights_;  ///< in Graph::weighted_nodes order
  std::int64_t original_weights_ = 0, original_macs_ = 0;
};

}  // namespace scnn
