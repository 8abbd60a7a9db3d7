#pragma once

#include <memory>
#include <vector>

#include "backend/cpu/convolution.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/winograd.h"
#include "scnn/backend/backend.h"

namespace scnn::cpu {

/// Convolutions and matrix products through oneDNN, everything else in OpenMP loops; each op stands in the file of its
/// name.
class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const BackendOptions& options);

  [[nodiscard]] Device device() const override { return {}; }
  [[nodiscard]] std::string description() const override;

  [[nodiscard]] Tensor allocate(const Shape& shape, DType dtype) override;
  void copy(const Tensor& from, Tensor& to) override;
  void fill(Tensor& x, float value) override;
  void synchronize() override {}

  void scale(const Tensor& x, float alpha, Tensor& y) override;
  void accumulate(const Tensor& x, float alpha, Tensor& y) override;
  void gather(const Tensor& x, int axis, const Tensor& indices, bool add, Tensor& y) override;
  void relu_forward(const Tensor& x, Tensor& y) override;
  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void dropout(const Tensor& x, float rate, const RandomStream& stream, Tensor& y) override;

  void conv2d_forward(const Conv2d& shape, const Tensor& x, const WeightView& weights, const Tensor* bias,
                      Tensor& y) override;
  void conv2d_backward_data(const Conv2d& shape, const Tensor& dy, const WeightView& weights, Tensor& dx) override;
  void conv2d_backward_weights(const Conv2d& shape, const Tensor& x, const Tensor& dy, Tensor& dw,
                               Tensor* dbias) override;
  void linear_forward(const Tensor& x, const WeightView& weights, const Tensor* bias, Tensor& y) override;
  void linear_backward_data(const Tensor& dy, const WeightView& weights, Tensor& dx) override;
  void linear_backward_weights(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor* dbias) override;

  void quantize(const WeightView& weights, Tensor& y) override;
  void quantize_backward(const WeightView& weights, bool revive, Tensor& dw, Tensor& dbits,
                         Tensor& dexponents) override;

  void batch_norm_statistics(const Tensor& x, const BatchStatistics& statistics) override;
  void batch_norm_forward(const Tensor& x, const BatchNorm& norm, Tensor& y) override;
  void batch_norm_backward(const Tensor& x, const Tensor& y, const Tensor& dy, const BatchNorm& norm, Tensor& dx,
                           Tensor& dscale, Tensor& dshift) override;
  void batch_norm_max_pool_forward(const Pool2d& shape, const Tensor& x, const BatchNorm& norm, Tensor& y,
                                   Tensor& argmax) override;
  void batch_norm_max_pool_backward(const Pool2d& shape, const Tensor& x, const Tensor& y, const Tensor& argmax,
                                    const Tensor& dy, const BatchNorm& norm, Tensor& dx, Tensor& dscale,
                                    Tensor& dshift) override;

  void max_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y, Tensor& argmax) override;
  void max_pool2d_backward(const Pool2d& shape, const Tensor& dy, const Tensor& argmax, Tensor& dx) override;
  void avg_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y) override;
  void avg_pool2d_backward(const Pool2d& shape, const Tensor& dy, Tensor& dx) override;

  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, float smoothing, Tensor& loss,
                             Tensor& predicted, Tensor* dlogits) override;
  [[nodiscard]] double sum_of_squares(const Tensor& x) override;

  void load_images(const Tensor& pixels, const Tensor& labels, const Tensor& indices, const Tensor& table,
                   const AugmentSteps& steps, const RandomStream& stream, Tensor& x, Tensor& y) override;

  void adam(const AdamStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& m, Tensor& v,
            Tensor& value) override;
  void sgd(const SgdStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& velocity,
           Tensor& value) override;

 private:
  /// The values a kernel multiplies with: the stored ones, or their quantized form in scratch memory that the next
  /// call overwrites.
  [[nodiscard]] const float* effective(const WeightView& weights);

  Workers workers_;
  Convolutions convolutions_;
  Winograd winograd_;
  std::vector<float> quantized_;
};

}  // namespace scnn::cpu
