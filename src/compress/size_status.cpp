#include "scnn/compress/size_status.h"

#include "packed/packed_width.h"

namespace scnn {

SizeMeter::SizeMeter(const Graph& graph) : original_macs_(graph.macs()) {
  for (const int index : graph.weighted_nodes()) {
    layer_weights_.push_back(graph.nodes()[static_cast<std::size_t>(index)].layer->weights()->parameter.value.size());
    original_weights_ += layer_weights_.back();
  }
}

std::vector<LayerStatus> SizeMeter::layers(Graph& graph) const {
  std::vector<LayerStatus> list;
  for (const int index : graph.weighted_nodes()) {
    Graph::Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    const Weights& weights = *node.layer->weights();
    const ChannelSet& channels = graph.sets()[node.edge.set];
    LayerStatus status;
    status.layer = node.spec.name;
    status.original_channels = channels.original();
    status.channels.assign(channels.live().begin(), channels.live().end());
    status.original_weights = layer_weights_[list.size()];
    if (!weights.quantizer) {
      status.bits.assign(status.channels.size(), 32.0F);
      status.live_weights = weights.parameter.value.size();
      status.packed_bits = 32 * status.live_weights;
      status.learned_bits = static_cast<double>(status.packed_bits);
    } else {
      for (const IntegerChannel& channel : weights.quantizer->integers(graph.backend(), weights.parameter)) {
        const auto row = static_cast<std::int64_t>(channel.integers.size());
        status.bits.push_back(channel.bits);
        status.live_weights += channel.bits > 0.0F ? row : 0;
        status.learned_bits += static_cast<double>(channel.bits) * static_cast<double>(row);
        status.packed_bits += packed_width(channel.integers) * row;
      }
    }
    list.push_back(std::move(status));
  }
  return list;
}

SizeStatus SizeMeter::total(const Graph& graph, const std::vector<LayerStatus>& layers) const {
  SizeStatus total;
  total.original_weights = original_weights_;
  total.original_macs = original_macs_;
  total.macs = graph.macs();
  for (const LayerStatus& layer : layers) {
    total.live_weights += layer.live_weights;
    total.original_channels += layer.original_channels;
    total.live_channels += static_cast<std::int32_t>(layer.channels.size());
    total.learned_bits += layer.learned_bits;
    total.packed_bits += layer.packed_bits;
  }
  return total;
}

}  // namespace scnn
