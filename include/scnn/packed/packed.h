#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scnn/data/dataset.h"
#include "scnn/nn/graph.h"
#include "scnn/packed/options.h"

namespace scnn {

/// The weights of one layer of a packed model.
struct PackedLayer {
  std::vector<IntegerChannel> channels;  ///< quantized weights; empty where `weights` is set
  std::vector<float> weights;            ///< float weights, OHWI, where the layer has no quantizer
  Shape shape;                           ///< OHWI of the live weights; rank 0 for nodes without weights
  std::vector<float> bias;               ///< [out] or empty

  [[nodiscard]] bool quantized() const { return weights.empty() && !channels.empty(); }
  /// Weights as they compute: scale * integer, or the float weights; OHWI.
  [[nodiscard]] std::vector<float> effective() const;
};
struct PackedAffine {
  std::vector<float> a, c;  ///< y = a x + c for each channel
};

/// A uint8 activation stands for scale * (byte - zero_point).  With a scale of 0 the activation is floats.
struct ActivationQuantization {
  float scale = 0;
  int zero_point = 0;

  [[nodiscard]] bool operator==(const ActivationQuantization&) const = default;
};

/// A trained network as the packed file holds it: plain data, no backend.
struct PackedModel {
  std::string name;
  std::vector<std::string> class_names;
  Normalization normalization;
  NetworkSpec network;                ///< batch-norms have become AffineSpec, dropouts are gone
  std::vector<ChannelSet> sets;       ///< as in the SetTable of a Graph made from `network`
  std::vector<PackedLayer> layers;    ///< by node; empty for nodes without weights
  std::vector<PackedAffine> affines;  ///< by node; empty for others
  IntegerForm integers = IntegerForm::coded;
  std::vector<ActivationQuantization>
      activations;  ///< of each node's output (calibrate.h); empty: activations are floats

  [[nodiscard]] bool quantized() const;  ///< whether some layer has integers
};

/// The network as it stands, trimmed exactly: nodes that died and channels nobody reads are dropped; then folded and
/// snapped as `options` say.  A fold that moves a logit of the probe (probe_logits) by more than 1e-5 of the largest is
/// undone. `graph` keeps its state, but for the buffers of a forward pass.  Error(training) where no live path is left.
[[nodiscard]] PackedModel pack(Graph& graph, const std::string& name, const Dataset& data,
                               const ExportOptions& options);
/// Drops, exactly, what cannot reach the logits: channels whose every reader has only zero weights for them or sees a
/// constant 0, and nodes left without channels.  Levels are forgotten.  `backend` is used to learn which channels are
/// constant.
[[nodiscard]] PackedModel trim(PackedModel model, Backend& backend);
/// Batch-norms that alone read a layer with weights become that layer's scales (or float weights) and biases: exact but
/// for rounding.  Levels are forgotten.
[[nodiscard]] PackedModel fold(PackedModel model);
/// Scales, biases and batch-norm terms each rounded to the nearest number that the file holds in two bytes; float
/// weights stay, and a network without integers stays whole.
[[nodiscard]] PackedModel snap(PackedModel model);
/// 32 images [32, h, w, c] of seeded noise in [-2, 2), on the host.
[[nodiscard]] Tensor probe_images(const InputSpec& input);
/// Pixels, uint8 [n, h, w, c] on the host, as networks read them: v / 255 where there is no normalization.
[[nodiscard]] Tensor normalized_images(const Tensor& pixels, const Normalization& normalization);
/// Logits of probe_images: what pack() and `--verify` compare networks on.
[[nodiscard]] std::vector<float> probe_logits(Graph& graph);
/// Logits [n * classes] of images [n, h, w, c], normalized, on the host.
[[nodiscard]] std::vector<float> graph_logits(Graph& graph, const Tensor& images);
/// A graph that evaluates the packed network: the one that every final figure is measured with.  Its weights are the
/// effective float values.  Error(checkpoint) where the model's parts do not fit each other.
[[nodiscard]] std::unique_ptr<Graph> unpack(const PackedModel& model, Backend& backend);

/// The file (docs/file-format.md), exact: the same model always gives the same bytes.  The learned bits are not
/// stored.
[[nodiscard]] std::vector<std::byte> encode(const PackedModel& model);
/// Error(checkpoint) naming `where`, what is wrong and the remedy: magic, version, checksum, truncation, impossible
/// values.  Each channel's bits are the width its integers are stored in.
[[nodiscard]] PackedModel decode(std::span<const std::byte> bytes, const std::string& where);

/// The channel set of each node's output: input, conv2d, linear, add and concat make sets, in order; every other node
/// has the set of its first input.
[[nodiscard]] std::vector<SetId> node_sets(const NetworkSpec& network);

/// Whether each input column (all rows and columns of the window) holds an integer that is not 0: what encode() stores.
/// All true where nothing may be left out: float weights, grouped convolutions.
[[nodiscard]] std::vector<bool> stored_columns(const PackedLayer& layer, const LayerOptions& options);

/// What a byte of the file is for.
enum class FileBytes { header, structure, masks, ranges, scales, integers, weights, bias, affine, activations };
constexpr std::size_t file_bytes_kinds = 10;
/// "header", "structure", ...
[[nodiscard]] const char* name(FileBytes kind);

/// Bytes that one layer, or what is not of any layer, takes in the file.
struct FilePart {
  std::string layer;         ///< empty: magic, version, checksum, names, normalization
  std::int64_t weights = 0;  ///< live weights, stored or not
  /// Bits of stored integers: the sum over channels of width * stored weights; 32 for a float weight.
  std::int64_t packed_bits = 0;
  std::array<std::size_t, file_bytes_kinds> bytes{};

  [[nodiscard]] std::size_t of(FileBytes kind) const { return bytes[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::size_t total() const;
};
/// Every byte of encode(model): the whole file first, then a part for each node.  A layer's share of coded integers
/// ends where the coder stands behind it: right to a few bytes, and in sum.
[[nodiscard]] std::vector<FilePart> account(const PackedModel& model);
/// Bits that the integers of all layers take in coded form, with the table of their ranges: entropy_bits.
[[nodiscard]] std::int64_t coded_bits(PackedModel model);

}  // namespace scnn
