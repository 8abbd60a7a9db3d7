#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scnn/backend/backend.h"
#include "scnn/nn/parameter.h"
#include "scnn/nn/quantizer.h"
#include "scnn/nn/spec.h"

namespace scnn {

/// What flows between two layers: [batch, h, w, channels of `set`].  `flat` edges are read as vectors in (h, w, c)
/// order.
struct Edge {
  std::int64_t h = 1, w = 1;
  bool flat = false;
  SetId set = no_set;
};

/// How a set of channels comes about.
enum class SetKind {
  input,   ///< the data
  own,     ///< output channels of a convolution or linear layer
  sum,     ///< at least the union of the summands' sets
  concat,  ///< the inputs' sets side by side
};

/// Every channel set of a graph.
struct SetTable {
  struct Entry {
    ChannelSet channels;
    SetKind kind = SetKind::own;
    int node = 0;            ///< the layer that makes it
    std::int32_t block = 1;  ///< channels leave in aligned blocks of this many (a group's outputs)
  };
  std::vector<Entry> entries;

  SetId add(const Entry& entry);
  [[nodiscard]] const ChannelSet& operator[](SetId id) const {
    return entries.at(static_cast<std::size_t>(id)).channels;
  }
};

/// What is known of one channel of an edge in evaluation mode.
struct ChannelState {
  bool constant = false;  ///< the same number at every place of every image
  float value = 0;        ///< that number
  [[nodiscard]] bool zero() const { return constant && value == 0.0F; }
};
using ChannelStates = std::vector<ChannelState>;  ///< one for each live channel

enum class Mode { train, evaluate };

/// One pass of a batch through the network.
struct Pass {
  Mode mode = Mode::evaluate;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;           ///< with the seed: the random draws of this pass
  const Tensor* step_at = nullptr;  ///< int32 [2], or null: where the step's number stands instead, low word first
  bool finish_gradients = true;     ///< false: quantized weights' gradients stay dL/dq (Quantizer::fused_update)
  float statistics_momentum = -1;   ///< in [0, 1]: replaces batch-norm's own; below 0: its own
};

/// y = a x + c for each channel.
struct AffineTerms {
  std::vector<float> a, c;
};

class BatchNormLayer;

/// A node of the graph.  Layers call the backend and hold no code for removal: they name the sets of their axes.
class Layer {
 public:
  explicit Layer(std::string name) : name_(std::move(name)) {}
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Shape and channels of the output, given those of the inputs; makes the layer's own sets and parameters (zero;
  /// see initialize).  Called once.  Error(experiment) naming the layer, the shapes and the remedy.
  virtual Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) = 0;
  /// Called after infer, after every change of a set, and when the batch size changes.
  virtual void plan(std::span<const Edge> in, const Edge& out, const SetTable& sets, std::int64_t batch,
                    Backend& backend) = 0;

  virtual void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) = 0;
  /// din[i] is null where nobody needs it; else written with `=`.  Parameter gradients are written with `=`.
  virtual void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                        const Tensor& dout, std::span<Tensor* const> din) = 0;

  /// Learned parameters and buffers, the quantizer's included.
  [[nodiscard]] virtual std::vector<Parameter*> parameters() { return {}; }
  /// Weights of a convolution or linear layer; null for all others.
  [[nodiscard]] virtual Weights* weights() { return nullptr; }
  /// The one of parameters() with a role; null where there is none.
  [[nodiscard]] Parameter* parameter(ParameterRole role);
  /// What it does in evaluation mode, where that is affine by channel and learned (batch norm); nothing elsewhere.
  [[nodiscard]] virtual std::optional<AffineTerms> affine_terms(Backend& /*backend*/) const { return std::nullopt; }

  /// States of the output's channels from those of the inputs.  The default is for layers that keep a constant as
  /// it is (pools, flatten, dropout at evaluation).
  [[nodiscard]] virtual ChannelStates states(std::span<const ChannelStates* const> in, const SetTable& sets,
                                             Backend& backend);
  /// Whether the output depends on the original channel `channel` of input `input`, as far as live channels go.
  [[nodiscard]] virtual bool reads(int input, std::int32_t channel, const SetTable& sets) const;
  /// Whether the output has the channels of input 0 (relu) rather than channels of its own (conv2d).
  [[nodiscard]] virtual bool passes_channels() const { return true; }
  /// Whether the output's memory is the input's (flatten, a fused relu).
  [[nodiscard]] virtual bool alias() const { return false; }
  /// Fits the layer to inputs that are constant.  Such a channel is frozen: a batch norm takes the constant as its mean
  /// with variance 0, and its shift is pulled to 0 within `steps` steps; a channel that varies again is released.
  /// Returns whether anything changed.
  virtual bool freeze(const ChannelStates& /*inputs*/, std::int64_t /*steps*/, Backend& /*backend*/) { return false; }

  // Sums and concatenations.
  /// The input's live channels by the output's original indices; nothing where the layer joins no channel sets.
  [[nodiscard]] virtual std::optional<ChannelSet> placed(int /*input*/, const SetTable& /*sets*/) const {
    return std::nullopt;
  }
  /// Forgets an input that holds no channels any more.  False for a layer that needs all its inputs.
  virtual bool drop_input(int /*input*/) { return false; }

  // Neighbours that one op can do.  `fuse_with` is called once, before the first plan.
  /// Offers the layer's work to the one before it, of which it is the only reader.
  virtual void fuse_with(Layer& /*before*/) {}
  /// A batch norm behind this layer leaves its statistics to it.  False where the layer cannot take them.
  virtual bool take_statistics(BatchNormLayer& /*norm*/) { return false; }
  /// The layer also applies `activation` to its result.  False where it cannot.
  virtual bool take_activation(Activation /*activation*/) { return false; }
  /// The batch norm whose result this layer's is; null where there is none.
  [[nodiscard]] virtual BatchNormLayer* normalization() { return nullptr; }

  /// Multiply-adds of one image with the channels alive now.
  [[nodiscard]] virtual std::int64_t macs(std::span<const Edge> in, const Edge& out, const SetTable& sets) const;

 private:
  std::string name_;
};

/// The layer for a node; the registry of layer types.
[[nodiscard]] std::unique_ptr<Layer> make_layer(const LayerSpec& spec);

}  // namespace scnn
