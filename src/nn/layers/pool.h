#pragma once

#include "scnn/nn/layer.h"

namespace scnn {

class BatchNormLayer;

/// Max and average pools, global ones included.
class PoolLayer final : public Layer {
 public:
  PoolLayer(std::string name, const PoolSpec& spec) : Layer(std::move(name)), spec_(spec) {}

  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void plan(std::span<const Edge> in, const Edge& out, const SetTable& sets, std::int64_t batch,
            Backend& backend) override;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;

  /// A max pool also does the work of the batch norm before it, and of a relu between them: it reads that one's input.
  void fuse_with(Layer& before) override;

 private:
  [[nodiscard]] Pool2d geometry(std::int64_t batch) const;

  PoolSpec spec_;
  BatchNormLayer* norm_ = nullptr;
  Pool2d shape_;
  Tensor argmax_;
};

}  // namespace scnn
