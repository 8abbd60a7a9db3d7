#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scnn/data/dataset.h"
#include "scnn/nn/graph.h"

namespace scnn {

/// A trained network as the packed file holds it: plain data, no backend.  Integers only for quantised layers.
struct PackedLayer {
  std::vector<IntegerChannel> channels;  ///< quantised weights; empty where `weights` is set
  std::vector<float> weights;            ///< float weights, OHWI, where the layer has no quantizer
  Shape shape;                           ///< OHWI of the live weights
  std::vector<float> bias;               ///< [out] or empty
};
struct PackedAffine {
  std::vector<float> a, c;  ///< y = a x + c for each channel
};
struct PackedModel {
  std::string name;
  std::vector<std::string> class_names;
  Normalisation normalisation;
  NetworkSpec network;                ///< batch-norms have become AffineSpec, dropouts are gone
  std::vector<ChannelSet> sets;       ///< as in the SetTable of a Graph made from `network`
  std::vector<PackedLayer> layers;    ///< by node; empty for nodes without weights
  std::vector<PackedAffine> affines;  ///< by node; empty for others
};

/// The network as it stands, trimmed exactly: nodes that died, channels nobody reads are dropped.
[[nodiscard]] PackedModel pack(Graph& graph, const std::string& name, const Dataset& data);
/// A graph that evaluates the packed network: the one that every final figure is measured with.
[[nodiscard]] std::unique_ptr<Graph> unpack(const PackedModel& model, Backend& backend);

/// The file (src/deploy/FORMAT.md): the same model always gives the same bytes.
[[nodiscard]] std::vector<std::byte> encode(const PackedModel& model);
/// Error(checkpoint) naming `where` and what is wrong: magic, version, checksum, truncation, impossible values.
[[nodiscard]] PackedModel decode(std::span<const std::byte> bytes, const std::string& where);

}  // namespace scnn
