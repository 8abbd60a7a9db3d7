#pragma once

#include <memory>

#include "cuda/conv/bf16/weight_cache.h"
#include "cuda/runtime/partial_sums.h"
#include "cuda/vendor/library_ops.h"

namespace scnn::cuda {

/// Hand-written kernels, plain float32 but for the convolutions of Precision::bf16, and NVIDIA's libraries for
/// convolutions where asked; each op stands in the file of its name.
class CudaBackend final : public Backend {
 public:
  CudaBackend(Device device, const BackendOptions& options);

  [[nodiscard]] Device device() const override { return device_; }
  [[nodiscard]] std::string description() const override;

  [[nodiscard]] Tensor allocate(const Shape& shape, DType dtype) override;
  void copy(const Tensor& from, Tensor& to) override;
  void fill(Tensor& x, float value) override;
  void synchronize() override;

  void scale(const Tensor& x, float alpha, Tensor& y) override;
  void accumulate(const Tensor& x, float alpha, Tensor& y) override;
  void gather(const Tensor& x, int axis, const Tensor& indices, bool add, Tensor& y) override;
  void relu_forward(const Tensor& x, Tensor& y) override;
  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void dropout(const Tensor& x, float rate, const RandomStream& stream, Tensor& y) override;

  void conv2d_forward(const Conv2d& shape, const Tensor& x, const WeightView& weights, const Tensor* bias,
                      Tensor& y) override;
  void conv2d_forward_statistics(const Conv2d& shape, const Tensor& x, const WeightView& weights, const Tensor* bias,
                                 Tensor& y, const BatchStatistics& statistics) override;
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
  void quantize_backward_adam(std::span<const QuantizedLayer> layers, Scalar gamma) override;

  [[nodiscard]] bool records() const override { return options_.graphs; }
  [[nodiscard]] std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  /// A sum's last bit can turn an activation to its other neighbour in tf32 or bf16.
  [[nodiscard]] double rounding() const override {
    return options_.precision == Precision::bf16 ? 2e-2 : options_.precision == Precision::tf32 ? 5e-3 : 1e-4;
  }
  [[nodiscard]] std::int64_t peak_bytes() const override { return stream_->peak_bytes(); }

 private:
  struct UpdateTable;  ///< of quantize_backward_adam, in the device's memory

  /// A tensor's elements; Error(bug) where it lives on another device.
  template <class T = float>
  [[nodiscard]] const T* in(const char* op, const Tensor& tensor) const {
    require_here(op, tensor);
    sums_->finish(tensor.raw());
    return tensor.data<T>();
  }
  template <class T = float>
  [[nodiscard]] T* out(const char* op, Tensor& tensor) const {
    require_here(op, tensor);
    sums_->finish(tensor.raw());
    cache_->written(tensor.raw());
    return tensor.data<T>();
  }
  /// Null for an absent tensor.
  [[nodiscard]] const float* optional(const char* op, const Tensor* tensor) const {
    return tensor != nullptr ? in(op, *tensor) : nullptr;
  }
  void require_here(const char* op, const Tensor& tensor) const;
  /// The values a kernel multiplies with: the stored ones, or their quantized form in `room`.
  [[nodiscard]] const float* effective(const char* op, const WeightView& weights, Tensor& room);
  /// y [.., channels] = values [channels] everywhere.
  void broadcast(const char* op, const Tensor& values, Tensor& y);
  /// Sums of dy [.., channels] over all axes but the last.
  void channel_sums(const char* op, const Tensor& dy, Tensor& sums);

  /// Statistics of `rows` values a channel whose mean and biased variance a kernel has measured.
  void store_statistics(const char* op, std::int64_t rows, const float* mean, const float* variance,
                        const BatchStatistics& statistics);

  [[nodiscard]] DeviceWeights on_device(const char* op, const WeightView& weights) const;
  enum class Kernels { plain, tensor_core, library };
  /// Which ones a pass of a convolution gets.  Error(device) where the path asked for has none for it.
  [[nodiscard]] Kernels kernels_for(const char* op, ConvPass pass, const Conv2d& shape);
  [[nodiscard]] LibraryPath library_path() { return {*stream_, *library_, options_.precision}; }
  /// What conv2d_* and linear_* do once their arguments are in order; every extent is positive.
  void convolve_forward(const char* op, const Conv2d& shape, const Tensor& x, const WeightView& weights,
                        const Tensor* bias, Tensor& y);
  void convolve_backward_data(const char* op, const Conv2d& shape, const Tensor& dy, const WeightView& weights,
                              Tensor& dx);
  void convolve_backward_weights(const char* op, const Conv2d& shape, const Tensor& x, const Tensor& dy, Tensor& dw);

  Device device_;
  BackendOptions options_;
  std::shared_ptr<Stream> stream_;  ///< shared with the memory of tensors, which may outlive the backend
  std::shared_ptr<WeightCache> cache_;
  std::shared_ptr<PartialSums> sums_;
  std::shared_ptr<ConvolutionLibrary> library_;  ///< null where the options never ask for it
  std::shared_ptr<UpdateTable> update_table_;
};

}  // namespace scnn::cuda
