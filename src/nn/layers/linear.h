#pragma once

#include "nn/layers/weighted.h"

namespace scnn {

/// y = W x + b.  Behind a flatten the weights keep the image's axes, [out, h, w, in], so that a channel stays one axis.
class LinearLayer final : public WeightedLayer {
 public:
  LinearLayer(std::string name, const LinearSpec& spec) : WeightedLayer(std::move(name)), spec_(spec) {}

  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void plan(std::span<const Edge> in, const Edge& out, const SetTable& sets, std::int64_t batch,
            Backend& backend) override;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;
  [[nodiscard]] std::int64_t macs(std::span<const Edge> in, const Edge& out, const SetTable& sets) const override;

 private:
  LinearSpec spec_;
};

}  // namespace scnn
