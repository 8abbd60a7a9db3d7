#pragma once

#include "scnn/compress/quantizer.h"

namespace scnn {

/// DiffQ (Défossez, Adi and Synnaeve, arXiv 2104.09987): while it trains, a layer computes with
///
///     w + D(b) * noise,   b = min_bits + (max_bits - min_bits) * sigmoid(logit),
///
/// `noise` of standard deviation 1/2 or uniform in [-1/2, 1/2), one b for each group of a channel's weights, in their
/// HWI order; the last group may be shorter.  Elsewhere it computes with truly quantized weights at rint(b) bits.
///
/// The authors' step is (max w - min w) / (2^b - 1) on a grid from min w.  Here it is D(b) = 2 max|w| / 2^b on a grid
/// through 0, clamped to [-2^(b-1), 2^(b-1) - 1] steps: then a channel's integers are multiples of its finest step, and
/// the packed file holds them as any other's.  The range of a layer carries no gradient.
///
/// Computed on the host: a GPU waits for it at every step.
class DiffqQuantizer final : public Quantizer {
 public:
  /// `lane` separates the layers' noise.
  DiffqQuantizer(const std::string& layer, const Parameter& weight, const DiffqOptions& options, std::uint32_t lane,
                 Backend& backend);

  void prepare(Backend& backend, const Parameter& weight, const Pass& pass) override;
  [[nodiscard]] WeightView view(const Parameter& weight) const override;
  void backward(Backend& backend, Parameter& weight) override;
  [[nodiscard]] std::vector<Parameter*> parameters() override { return {&logit_}; }
  [[nodiscard]] std::vector<float> bits(Backend& backend) const override;
  [[nodiscard]] bool learns_bits() const override { return true; }
  void set_size_slope(Backend& backend, std::span<const float> slope) override;
  void add_size_gradient(Backend& backend, float gamma) override;
  /// A channel's scale is the step of its finest group, and its bits are the mean of its groups'.
  [[nodiscard]] std::vector<IntegerChannel> integers(Backend& backend, const Parameter& weight) const override;

 private:
  struct Group {
    std::size_t begin, end;  ///< of the layer's weights
    std::size_t channel;
    double bits, slope;  ///< b, and db/dlogit
  };
  [[nodiscard]] std::vector<Group> groups(Backend& backend) const;

  DiffqOptions options_;
  std::uint32_t lane_;
  Parameter logit_;  ///< `<layer>.logit` [out, groups of a channel]
  std::size_t row_ = 0, group_ = 0;
  Tensor effective_;          ///< shape of the weight
  std::vector<float> noise_;  ///< of the last training pass, in steps
  double largest_ = 1;        ///< max|w| then
  std::vector<float> size_slope_;
};

}  // namespace scnn
