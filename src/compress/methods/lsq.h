#pragma once

#include "scnn/compress/quantizer.h"

namespace scnn {

/// Learned Step Size Quantization (Esser et al., arXiv 1902.08153): one learned step s a layer at fixed bits b,
///
///     q = s * rint(clamp(w / s, -2^(b-1), 2^(b-1) - 1)),   dq/ds = rint(w / s) - w / s inside, the bound outside,
///
/// the gradient of s divided by sqrt(N * (2^(b-1) - 1)), N the layer's weights.  It starts at 2 mean|w| / sqrt(2^(b-1)
/// - 1).  In the number format it is 2^e with one e for all channels, so that kernels, file and runtime are the same.
class LsqQuantizer final : public Quantizer {
 public:
  /// `bits`: 2 to 16.
  LsqQuantizer(const std::string& layer, const Parameter& weight, float bits, Backend& backend);

  void prepare(Backend& backend, const Parameter& weight, const Pass& pass) override;
  [[nodiscard]] WeightView view(const Parameter& weight) const override;
  void backward(Backend& backend, Parameter& weight) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override { return {&step_}; }
  [[nodiscard]] std::vector<float> bits(Backend& backend) const override;
  [[nodiscard]] std::vector<IntegerChannel> integers(Backend& backend, const Parameter& weight) const override;

 private:
  [[nodiscard]] float exponent(Backend& backend) const;

  Parameter step_;  ///< `<layer>.step` [1]
  float positive_end_;
  Tensor bits_, exponents_;                    ///< [out]
  Tensor bits_gradient_, exponents_gradient_;  ///< [out]
};

}  // namespace scnn
