#pragma once

#include "nn/layers/batch_norm.h"
#include "nn/layers/weighted.h"

namespace scnn {

/// 2-d convolution, grouped and depthwise included.  A grouped layer loses whole groups; it reads the inputs of its
/// live groups, with zeros for those that have gone.
class Conv2dLayer final : public WeightedLayer {
 public:
  Conv2dLayer(std::string name, const Conv2dSpec& spec) : WeightedLayer(std::move(name)), spec_(spec) {}

  Edge infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) override;
  void plan(std::span<const Edge> in, const Edge& out, const SetTable& sets, std::int64_t batch,
            Backend& backend) override;
  void forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) override;
  void backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, const Tensor& out,
                const Tensor& dout, std::span<Tensor* const> din) override;
  /// In training.
  bool take_statistics(BatchNormLayer& norm) override {
    norm_ = &norm;
    return true;
  }
  [[nodiscard]] bool reads(int input, std::int32_t channel, const SetTable& sets) const override;
  [[nodiscard]] std::int64_t macs(std::span<const Edge> in, const Edge& out, const SetTable& sets) const override;

 protected:
  [[nodiscard]] std::int32_t input_of(std::int32_t output, std::int32_t column, const SetTable& sets) const override;

 private:
  [[nodiscard]] ChannelSet needed_inputs(const SetTable& sets) const;
  [[nodiscard]] Conv2d geometry(std::int64_t batch) const;

  Conv2dSpec spec_;
  BatchNormLayer* norm_ = nullptr;
  SetId in_set_ = no_set, out_set_ = no_set;
  std::int64_t groups_ = 1;  ///< before any removal
  std::int64_t inputs_a_group_ = 1, outputs_a_group_ = 1;
  Conv2d shape_;                 ///< as planned; its batch is the largest
  Tensor to_needed_, to_input_;  ///< gather maps; undefined where the input already fits
  Tensor gathered_, gathered_gradient_;
};

}  // namespace scnn
