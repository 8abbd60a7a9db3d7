#pragma once

#include "scnn/nn/layer.h"

namespace scnn {

/// Batch normalization over all axes but the channels.  In evaluation it is the affine form that a packed model holds.
class BatchNormLayer final : public Layer {
 public:
  BatchNormLayer(std::string name, const BatchNormSpec& spec) : Layer(std::move(name)), spec_(spec) {}

  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void plan(std::span<const Edge> in, const Edge& out, const SetTable& sets, std::int64_t batch,
            Backend& backend) override;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override;
  [[nodiscard]] ChannelStates states(std::span<const ChannelStates* const> in, const SetTable& sets,
                                     Backend& backend) override;

  void fuse_with(Layer& before) override {
    if (before.take_statistics(*this)) takes_statistics_ = false;
  }
  bool take_activation(Activation activation) override {
    activation_ = activation;
    return true;
  }
  [[nodiscard]] BatchNormLayer* normalization() override { return this; }
  /// The max pool behind it does its work too, by pool_forward and pool_backward: the layer's own result is kept
  /// nowhere.
  void leave_to_pool() { pooled_ = true; }
  [[nodiscard]] bool alias() const override { return pooled_; }
  /// y and argmax: the pool `shape` of the normalized and activated x.
  void pool_forward(Backend& backend, const Pass& pass, const Pool2d& shape, const Tensor& x, Tensor& y,
                    Tensor& argmax);
  /// dx may be null.
  void pool_backward(Backend& backend, const Pool2d& shape, const Tensor& x, const Tensor& y, const Tensor& argmax,
                     const Tensor& dy, Tensor* dx);
  /// Where the statistics of its input go in a pass of training.
  [[nodiscard]] BatchStatistics statistics(const Pass& pass);
  /// a = scale / sqrt(var + eps), c = shift - a * mean, in double, stored as float; a = 0 for frozen channels.
  [[nodiscard]] std::optional<AffineTerms> affine_terms(Backend& backend) const override;

  bool freeze(const ChannelStates& inputs, std::int64_t steps, Backend& backend) override;

 private:
  /// What the layer does to x in this pass; in training from x's own statistics, taken here unless the convolution did.
  [[nodiscard]] BatchNorm normalization(Backend& backend, const Pass& pass, const Tensor& x);
  [[nodiscard]] BatchNorm by_batch() const;

  BatchNormSpec spec_;
  Activation activation_ = Activation::none;
  bool takes_statistics_ = true, pooled_ = false;
  Parameter scale_, shift_, running_mean_, running_var_, frozen_;
  Tensor mean_, inv_std_;  ///< of the last training batch
  Tensor a_, c_;
};

}  // namespace scnn
