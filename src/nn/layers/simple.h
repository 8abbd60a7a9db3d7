#pragma once

#include "scnn/nn/layer.h"

/// Layers that keep their input's channels and have no learned parameters, but for `affine`.
namespace scnn {

class InputLayer final : public Layer {
 public:
  InputLayer(std::string name, const InputSpec& spec) : Layer(std::move(name)), spec_(spec) {}
  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void plan(std::span<const Edge>, const Edge&, const SetTable&, std::int64_t, Backend&) override {}
  void forward(Backend&, const Pass&, std::span<const Tensor* const>, Tensor&) override {}
  void backward(Backend&, const Pass&, std::span<const Tensor* const>, const Tensor&, const Tensor&,
                std::span<Tensor* const>) override {}

 private:
  InputSpec spec_;
};

/// One input, same extents and channels.
class ElementwiseLayer : public Layer {
 public:
  using Layer::Layer;
  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void plan(std::span<const Edge>, const Edge&, const SetTable&, std::int64_t, Backend&) override {}
};

class ReluLayer final : public ElementwiseLayer {
 public:
  using ElementwiseLayer::ElementwiseLayer;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;
  [[nodiscard]] ChannelStates states(std::span<const ChannelStates* const> in, const SetTable& sets,
                                     Backend& backend) override;
  [[nodiscard]] bool alias() const override { return applied_by_ != nullptr; }
  void fuse_with(Layer& before) override {
    if (before.take_activation(Activation::relu)) applied_by_ = &before;
  }
  [[nodiscard]] BatchNormLayer* normalization() override {
    return applied_by_ != nullptr ? applied_by_->normalization() : nullptr;
  }

 private:
  Layer* applied_by_ = nullptr;  ///< the layer before it, where that applies the relu
};

/// An image as a vector in (h, w, c) order: nothing moves in memory.
class FlattenLayer final : public ElementwiseLayer {
 public:
  using ElementwiseLayer::ElementwiseLayer;
  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void forward(Backend&, const Pass&, std::span<const Tensor* const>, Tensor&) override {}
  void backward(Backend&, const Pass&, std::span<const Tensor* const>, const Tensor&, const Tensor&,
                std::span<Tensor* const>) override {}
  [[nodiscard]] bool alias() const override { return true; }
};

class DropoutLayer final : public ElementwiseLayer {
 public:
  DropoutLayer(std::string name, const DropoutSpec& spec) : ElementwiseLayer(std::move(name)), spec_(spec) {}
  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;

 private:
  [[nodiscard]] RandomStream stream(const Pass& pass) const;
  DropoutSpec spec_;
  int node_ = 0;
};

class ScaleLayer final : public ElementwiseLayer {
 public:
  ScaleLayer(std::string name, const ScaleSpec& spec) : ElementwiseLayer(std::move(name)), spec_(spec) {}
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;
  [[nodiscard]] ChannelStates states(std::span<const ChannelStates* const> in, const SetTable& sets,
                                     Backend& backend) override;

 private:
  ScaleSpec spec_;
};

/// y = a x + c per channel, for inference.
class AffineLayer final : public ElementwiseLayer {
 public:
  using ElementwiseLayer::ElementwiseLayer;
  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override { return {&a_, &c_}; }
  [[nodiscard]] std::optional<AffineTerms> affine_terms(Backend& backend) const override;
  [[nodiscard]] ChannelStates states(std::span<const ChannelStates* const> in, const SetTable& sets,
                                     Backend& backend) override;

 private:
  Parameter a_, c_;
};

}  // namespace scnn
