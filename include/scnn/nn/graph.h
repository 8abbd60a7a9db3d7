#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "scnn/nn/layer.h"

namespace scnn {

/// A network: a directed acyclic graph of layers on one backend.
class Graph {
 public:
  struct Node {
    std::unique_ptr<Layer> layer;
    LayerSpec spec;
    std::vector<int> inputs;  ///< may lose summands that died
    std::vector<int> consumers;
    Edge edge;                    ///< of the output
    bool live = true;             ///< false once nothing of it reaches the output
    int storage = 0;              ///< the node whose buffers hold the output: itself, unless the layer is an alias
    bool needs_gradient = false;  ///< something before or in it learns
    Tensor output, gradient;      ///< planned for the largest batch seen
    Tensor view, gradient_view;   ///< the same memory at the batch in use
    bool gradient_written = false;
  };

  /// Infers and checks every shape.  SettingsError with every mistake: layer and remedy.
  Graph(const NetworkSpec& spec, Backend& backend);

  /// Kaiming-uniform weights as torch's defaults, drawn from (seed, layer index).
  void initialize(std::uint64_t seed);

  /// Logits [batch, classes] of x [batch, h, w, channels]; valid until the next call.
  const Tensor& forward(const Tensor& x, const Pass& pass);
  /// Counts the plans made and dropped so far: with another one activations and parameters have other memory.
  [[nodiscard]] std::int64_t plans() const noexcept { return plans_; }
  /// After a forward in Mode::train with the same pass: fills every parameter's gradient, quantizers included unless
  /// the pass leaves them unfinished.
  void backward(const Tensor& dlogits, const Pass& pass);

  [[nodiscard]] std::vector<Parameter*> parameters();
  /// Nodes with weights, in order.
  [[nodiscard]] std::vector<int> weighted_nodes() const;
  [[nodiscard]] const std::vector<Node>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] std::vector<Node>& nodes() noexcept { return nodes_; }
  [[nodiscard]] const SetTable& sets() const noexcept { return sets_; }
  [[nodiscard]] Backend& backend() noexcept { return backend_; }
  [[nodiscard]] std::int64_t classes() const;
  /// Multiply-adds of one image with the channels alive now.
  [[nodiscard]] std::int64_t macs() const { return macs(sets_); }
  /// The same with the channels of `sets`, a table like sets().
  [[nodiscard]] std::int64_t macs(const SetTable& sets) const;
  /// What training keeps in memory at once, in bytes, with the channels alive now: activations and their gradients, for
  /// each image; parameters, their gradients and optimizer state.  A backend's own room comes on top.
  struct Memory {
    std::int64_t of_image = 0, of_parameters = 0;
  };
  [[nodiscard]] Memory training_memory();

  /// States of every live node's output channels in evaluation mode, by propagating constants forward.
  [[nodiscard]] std::vector<ChannelStates> states();

  /// Whether any path of live channels still joins the input to the logits.
  [[nodiscard]] bool connected() const;

  /// Replaces the live channels of every set (subsets of the present ones, one per SetTable entry) and gathers all
  /// parameters, slots and statistics; nodes that no longer matter die; everything is planned again.
  void restrict_to(const std::vector<ChannelSet>& channels);

  /// Called around each live node's forward and backward, for NaN hunting; may be empty.
  std::function<void(const Node&, bool backward, const Tensor& result)> probe;

 private:
  /// The node's only input, where nobody else reads it; null otherwise.
  [[nodiscard]] const Node* sole_input(const Node& node) const;
  /// Neighbours that one op can do.
  void fuse();
  void plan(std::int64_t batch);
  void view_at(std::int64_t batch);
  void prune();
  void gather_parameter(Parameter& parameter, const std::vector<ChannelSet>& before);
  [[nodiscard]] std::vector<Edge> input_edges(const Node& node) const;
  void backward(Node& node, const Pass& pass);

  Backend& backend_;
  std::vector<Node> nodes_;
  SetTable sets_;
  std::int64_t planned_batch_ = 0;  ///< 0: must be planned
  std::int64_t plans_ = 0;
  std::int64_t view_batch_ = 0;
  Tensor logits_;
};

}  // namespace scnn
