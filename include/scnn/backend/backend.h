#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "scnn/backend/augment.h"
#include "scnn/backend/geometry.h"
#include "scnn/backend/update.h"
#include "scnn/core/random.h"
#include "scnn/core/tensor.h"

namespace scnn {

/// Work to be done again and again (Backend::record).
class Recording {
 public:
  Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

/// Every kernel of the project: one contract for all hardware.
///
/// Tensors are dense, NHWC (weights OHWI), float32 unless said otherwise, on this backend's device, of the stated
/// shapes and already allocated; wrong shapes are Error(bug).  Results are written with `=`, never `+=`, unless said
/// otherwise.  Inputs and outputs do not overlap unless said otherwise.  Batch and channel extents may be 0.  With the
/// same inputs, seed and number of threads every result is the same bit for bit.
///
/// Primitives are pure.  A fused op has a default that composes primitives (src/backend/fused.cpp); a backend overrides
/// it where one kernel does the same with less traffic.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  [[nodiscard]] virtual Device device() const = 0;
  /// One line for people: processor, threads, libraries.
  [[nodiscard]] virtual std::string description() const = 0;

  // --- memory -------------------------------------------------------------------------------------------------
  /// A zero-filled tensor.  Error(memory) names the bytes asked for.
  [[nodiscard]] virtual Tensor allocate(const Shape& shape, DType dtype = DType::float32) = 0;
  /// Copies between tensors of equal size and type, on this device or the host, in either direction.  Waits where one
  /// of them is the host's and the device is not.
  virtual void copy(const Tensor& from, Tensor& to) = 0;
  virtual void fill(Tensor& x, float value) = 0;
  virtual void synchronize() = 0;

  // --- element-wise, channels ------------------------------------------------------------------------------------
  /// y = alpha * x.  x and y may be the same tensor.
  virtual void scale(const Tensor& x, float alpha, Tensor& y) = 0;
  /// y += alpha * x.
  virtual void accumulate(const Tensor& x, float alpha, Tensor& y) = 0;
  /// y[.., j, ..] = x[.., indices[j], ..] along `axis`, 0 where indices[j] is -1; `+=` instead of `=` with `add`.
  /// Every place where channel sets meet is this op: removal, sums over unequal sets, concatenation.
  virtual void gather(const Tensor& x, int axis, const Tensor& indices, bool add, Tensor& y) = 0;
  virtual void relu_forward(const Tensor& x, Tensor& y) = 0;
  /// dx = dy where y > 0, else 0.
  virtual void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) = 0;
  /// y = x * mask / (1 - rate); element i is kept where uniform(stream.draws(i / 4).v[i % 4]) >= rate, in (n, h, w, c)
  /// order.  The gradient is the same op on dy with the same stream.
  virtual void dropout(const Tensor& x, float rate, const RandomStream& stream, Tensor& y) = 0;

  // --- convolution, linear ----------------------------------------------------------------------------------------
  /// `bias` [out_c] may be null.
  virtual void conv2d_forward(const Conv2d& shape, const Tensor& x, const WeightView& weights, const Tensor* bias,
                              Tensor& y) = 0;
  virtual void conv2d_backward_data(const Conv2d& shape, const Tensor& dy, const WeightView& weights, Tensor& dx) = 0;
  /// dw is the gradient of the effective (quantized) weights; `dbias` may be null.
  virtual void conv2d_backward_weights(const Conv2d& shape, const Tensor& x, const Tensor& dy, Tensor& dw,
                                       Tensor* dbias) = 0;
  /// x [batch, ...], weights [out, ...] with the same extents behind the first, y [batch, out]: y = x w^T + bias.
  virtual void linear_forward(const Tensor& x, const WeightView& weights, const Tensor* bias, Tensor& y) = 0;
  virtual void linear_backward_data(const Tensor& dy, const WeightView& weights, Tensor& dx) = 0;
  virtual void linear_backward_weights(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor* dbias) = 0;

  // --- quantization ---------------------------------------------------------------------------------------------
  /// y = q(values, bits, exponents); the channel is the first axis.
  virtual void quantize(const WeightView& weights, Tensor& y) = 0;
  /// On entry `dw` holds dL/dq, on return dL/dw; dbits and dexponents [out] receive dL/db and dL/de, each a sum over
  /// the channel's weights.  A channel at b = 0 gets no gradient at all, unless `revive`, which uses the right-hand
  /// derivative there.
  virtual void quantize_backward(const WeightView& weights, bool revive, Tensor& dw, Tensor& dbits,
                                 Tensor& dexponents) = 0;

  // --- batch normalization ----------------------------------------------------------------------------------------
  /// Training: statistics of x over all axes but the last.  Running ones move by `momentum` towards mean and the
  /// *unbiased* variance.
  virtual void batch_norm_statistics(const Tensor& x, const BatchStatistics& statistics) = 0;
  /// Fused: conv2d_forward, and batch_norm_statistics of y.
  virtual void conv2d_forward_statistics(const Conv2d& shape, const Tensor& x, const WeightView& weights,
                                         const Tensor* bias, Tensor& y, const BatchStatistics& statistics);
  virtual void batch_norm_forward(const Tensor& x, const BatchNorm& norm, Tensor& y) = 0;
  /// Of a batch norm by the statistics of x itself.  dy is the gradient behind the activation; y the forward result
  /// (read only with an activation).  dy and dx may be the same tensor.
  virtual void batch_norm_backward(const Tensor& x, const Tensor& y, const Tensor& dy, const BatchNorm& norm,
                                   Tensor& dx, Tensor& dscale, Tensor& dshift) = 0;
  /// Fused: batch_norm_forward without its activation, max_pool2d_forward of what it gives, which is kept nowhere, and
  /// the activation.  Pooling activated pixels gives the same y, and the same gradients.
  virtual void batch_norm_max_pool_forward(const Pool2d& shape, const Tensor& x, const BatchNorm& norm, Tensor& y,
                                           Tensor& argmax);
  /// Fused: max_pool2d_backward and batch_norm_backward.  y and dy are the pool's.
  virtual void batch_norm_max_pool_backward(const Pool2d& shape, const Tensor& x, const Tensor& y, const Tensor& argmax,
                                            const Tensor& dy, const BatchNorm& norm, Tensor& dx, Tensor& dscale,
                                            Tensor& dshift);

  // --- pools ------------------------------------------------------------------------------------------------------
  /// `argmax` (uint8, shape of y) receives the winner's place in the window, kernel_w * row + column, the first of
  /// equals; windows of more than 255 places are Error(bug).
  virtual void max_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y, Tensor& argmax) = 0;
  virtual void max_pool2d_backward(const Pool2d& shape, const Tensor& dy, const Tensor& argmax, Tensor& dx) = 0;
  virtual void avg_pool2d_forward(const Pool2d& shape, const Tensor& x, Tensor& y) = 0;
  virtual void avg_pool2d_backward(const Pool2d& shape, const Tensor& dy, Tensor& dx) = 0;

  // --- loss, reductions -------------------------------------------------------------------------------------------
  /// logits [batch, classes], labels int32 [batch].  Target distribution: (1 - smoothing) on the label plus
  /// smoothing / classes on every class.  loss [batch] in nats; predicted int32 [batch], the first of equals;
  /// dlogits (may be null) is the gradient of the *mean* loss.
  virtual void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, float smoothing, Tensor& loss,
                                     Tensor& predicted, Tensor* dlogits) = 0;
  /// Sum of squares in double precision; NaN or infinity where x has any.  Waits.
  [[nodiscard]] virtual double sum_of_squares(const Tensor& x) = 0;

  // --- images -----------------------------------------------------------------------------------------------------
  /// A batch of a data set on this device: pixels uint8 [n, h, w, channels], labels int32 [n], indices int32 [batch].
  /// x [batch, h, w, channels] is image indices[i], moved as `steps` draw for it in `stream` (backend/augment.h), then
  /// table [channels, 256] of its pixels, 0 where cut out; y int32 [batch] is its label.  auto_augment is the CPU's.
  virtual void load_images(const Tensor& pixels, const Tensor& labels, const Tensor& indices, const Tensor& table,
                           const AugmentSteps& steps, const RandomStream& stream, Tensor& x, Tensor& y) = 0;

  // --- optimizers (backend/update.h) ------------------------------------------------------------------------------
  /// torch.optim.Adam (decay added to the gradient) or AdamW (`decoupled`).  m and v as in Kingma & Ba.
  virtual void adam(const AdamStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& m, Tensor& v,
                    Tensor& value) = 0;
  /// torch.optim.SGD with momentum, optionally Nesterov.
  virtual void sgd(const SgdStep& step, const UpdateRule& rule, const Tensor& gradient, Tensor& velocity,
                   Tensor& value) = 0;

  /// Fused, for all layers of a step: quantize_backward; gamma times the size loss's slope onto dL/db; adam on weights
  /// (of dead channels only with `revive`), on bits within their bounds, and on exponents.  What the gradients hold on
  /// return is left open.
  virtual void quantize_backward_adam(std::span<const QuantizedLayer> layers, Scalar gamma);

  // --- repetition -------------------------------------------------------------------------------------------------
  /// Whether this backend can record.  One that cannot has nothing to save by a replay.
  [[nodiscard]] virtual bool records() const { return false; }
  /// `work` in a form to repeat, not done yet: ops of this backend, each time on the same tensors, which must live as
  /// long as the recording.  What differs from time to time stands in the device's memory (Scalar, RandomStream's
  /// step).  Error(bug) for work that waits or touches the host's memory, and where records() is false.
  [[nodiscard]] virtual std::unique_ptr<Recording> record(const std::function<void()>& work);
  /// What another order of the same sums may change in a network's logits, relative to the largest.
  [[nodiscard]] virtual double rounding() const { return 1e-4; }
  /// The most memory of the device that was in use at once, in bytes; 0: unknown.
  [[nodiscard]] virtual std::int64_t peak_bytes() const { return 0; }
};

/// Arithmetic of convolutions and linear layers on a GPU; sums are float in all.  The CPU computes in fp32.
enum class Precision {
  fp32,
  tf32,  ///< operands rounded to 11 significant bits on their way into tensor cores; by NVIDIA's libraries alone
  bf16,  ///< operands rounded to bf16, on tensor cores; integers of quantized weights up to 256 stay exact
};

/// Whose kernels compute a GPU's convolutions and linear layers.
enum class ConvolutionPath {
  automatic,  ///< by a table: own ones where the project has them for the precision, else the libraries
  own,
  cudnn,  ///< NVIDIA's libraries: cuDNN, and cuBLAS for linear layers; deterministic algorithms alone
};

/// Where a bf16 convolution's weights are quantized.
enum class WeightQuantization {
  automatic,  ///< by the layer's shape
  on_load,    ///< by the convolution, into shared memory; `integers` where they do not fit
  integers,   ///< by a pass before it: integers in bf16, 2^e applied to its results (or, backward, to dy)
  values,     ///< by a pass before it: 2^e times the integer, rounded to bf16
};

/// What the process may use of the machine, and how.
struct BackendOptions {
  int threads = 0;  ///< CPU workers; 0: every core this process may use
  Precision precision = Precision::fp32;
  ConvolutionPath convolution = ConvolutionPath::automatic;
  WeightQuantization weight_quantization = WeightQuantization::automatic;
  bool graphs = true;  ///< a GPU replays recorded work as one CUDA graph
};

/// The backend for `device`: the only place where hardware is chosen.  Error(device) where it cannot be used; the
/// message says how to get one that can.
[[nodiscard]] std::unique_ptr<Backend> backend_for(Device device, const BackendOptions& options = {});

/// Why CUDA cannot be used in this build or on this machine; empty where it can.
[[nodiscard]] std::string cuda_unusable_because();

/// NVIDIA's libraries for ConvolutionPath::cudnn as this build and this machine have them.
struct CudaLibraries {
  std::string found;             ///< versions and places; empty where they cannot be used
  std::string unusable_because;  ///< with a remedy; empty where they can
};
/// Looks for them; needs no GPU.
[[nodiscard]] CudaLibraries cuda_libraries();

/// Implemented by src/backend/cpu, and by cuda or src/backend/no_cuda: whichever is linked in.
namespace cpu {
[[nodiscard]] std::unique_ptr<Backend> make_backend(const BackendOptions& options);
}
namespace cuda {
[[nodiscard]] std::unique_ptr<Backend> make_backend(Device device, const BackendOptions& options);
[[nodiscard]] std::string unusable_because();
[[nodiscard]] CudaLibraries libraries();
}  // namespace cuda

}  // namespace scnn
