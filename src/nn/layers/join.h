#pragma once

#include "scnn/nn/layer.h"

namespace scnn {

/// Sums and concatenations: the places where channel sets meet.  Each input may hold any part of the channels; index
/// maps say where each lands.
class JoinLayer : public Layer {
 public:
  using Layer::Layer;

  void plan(std::span<const Edge> in, const Edge& out, const SetTable& sets, std::int64_t batch,
            Backend& backend) override;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;
  [[nodiscard]] ChannelStates states(std::span<const ChannelStates* const> in, const SetTable& sets,
                                     Backend& backend) override;
  [[nodiscard]] bool passes_channels() const override { return false; }

  [[nodiscard]] std::optional<ChannelSet> placed(int input, const SetTable& sets) const override;
  bool drop_input(int input) override;

 protected:
  struct Side {
    SetId set = no_set;
    std::int32_t offset = 0;  ///< of the input's original indices within the output's
    bool whole = false;       ///< the same channels as the output: no map needed
    Tensor forward_map, backward_map;
  };
  std::vector<Side> sides_;
  SetId out_set_ = no_set;
};

/// Sum over the union of the inputs' channels.
class AddLayer final : public JoinLayer {
 public:
  using JoinLayer::JoinLayer;
  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
};

/// The inputs' channels side by side.
class ConcatLayer final : public JoinLayer {
 public:
  using JoinLayer::JoinLayer;
  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
};

}  // namespace scnn
