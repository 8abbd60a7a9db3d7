#include "backend/checks.h"
#include "cuda/conv/bf16/tensor_core.h"
#include "cuda/conv/fp32/convolution.h"
#include "cuda/runtime/cuda_backend.h"
#include "scnn/core/error.h"

namespace scnn::cuda {
namespace {

bool has_work(const Conv2d& s) { return s.batch > 0 && s.in_c > 0 && s.out_c > 0 && s.out_h > 0 && s.out_w > 0; }

}  // namespace

// Where a convolution, or a linear layer as one of images of one pixel, chooses its kernels.

CudaBackend::Kernels CudaBackend::kernels_for(const char* op, ConvPass pass, const Conv2d& shape) {
  if (library_) {
    if (library_takes(library_path(), pass, shape)) return Kernels::library;
    if (options_.convolution == ConvolutionPath::cudnn) {
      throw Error(ErrorKind::device, std::string(op) + ": cuDNN has no deterministic algorithm for x " +
                                         checks::input_shape(shape).str() + ", weights " +
                                         checks::weight_shape(shape).str() + ", groups " +
                                         std::to_string(shape.groups) + "; set device.convolution: auto");
    }
  }
  return options_.precision == Precision::bf16 && tensor_cores_take(shape) ? Kernels::tensor_core : Kernels::plain;
}

DeviceWeights CudaBackend::on_device(const char* op, const WeightView& weights) const {
  return {in(op, *weights.values), optional(op, weights.bits), optional(op, weights.exponents)};
}

void CudaBackend::convolve_forward(const char* op, const Conv2d& shape, const Tensor& x, const WeightView& weights,
                                   const Tensor* bias, Tensor& y) {
  const Kernels kernels = kernels_for(op, ConvPass::forward, shape);
  if (kernels == Kernels::tensor_core) {
    return tensor_core_forward(*stream_, op, shape, in(op, x), on_device(op, weights), optional(op, bias),
                               options_.weight_quantization, cache_.get(), out(op, y));
  }
  Tensor room;
  const float* w = effective(op, weights, room);
  if (kernels == Kernels::library) {
    return library_forward(library_path(), op, shape, in(op, x), w, optional(op, bias), out(op, y));
  }
  const auto run = is_depthwise(shape) ? depthwise_forward : convolution_forward;
  run(*stream_, op, shape, in(op, x), w, optional(op, bias), out(op, y));
}

void CudaBackend::convolve_backward_data(const char* op, const Conv2d& shape, const Tensor& dy,
                                         const WeightView& weights, Tensor& dx) {
  const Kernels kernels = kernels_for(op, ConvPass::backward_data, shape);
  if (kernels == Kernels::tensor_core) {
    return tensor_core_backward_data(*stream_, op, shape, in(op, dy), on_device(op, weights),
                                     options_.weight_quantization, cache_.get(), out(op, dx));
  }
  Tensor room;
  const float* w = effective(op, weights, room);
  if (kernels == Kernels::library) {
    return library_backward_data(library_path(), op, shape, in(op, dy), w, out(op, dx));
  }
  const auto run = is_depthwise(shape) ? depthwise_backward_data : convolution_backward_data;
  run(*stream_, op, shape, in(op, dy), w, out(op, dx));
}

void CudaBackend::convolve_backward_weights(const char* op, const Conv2d& shape, const Tensor& x, const Tensor& dy,
                                            Tensor& dw) {
  const Kernels kernels = kernels_for(op, ConvPass::backward_weights, shape);
  if (kernels == Kernels::library) {
    return library_backward_weights(library_path(), op, shape, in(op, x), in(op, dy), out(op, dw));
  }
  if (kernels == Kernels::tensor_core) {
    return tensor_core_backward_weights(*stream_, op, shape, in(op, x), in(op, dy), *sums_, out(op, dw));
  }
  if (is_depthwise(shape)) return depthwise_backward_weights(*stream_, op, shape, in(op, x), in(op, dy), out(op, dw));
  convolution_backward_weights(*stream_, op, shape, in(op, x), in(op, dy), *sums_, out(op, dw));
}

void CudaBackend::conv2d_forward(const Conv2d& shape, const Tensor& x, const WeightView& weights, const Tensor* bias,
                                 Tensor& y) {
  constexpr const char* op = "conv2d_forward";
  checks::conv2d_forward(op, shape, x, weights, bias, y);
  if (y.size() == 0) return;
  if (!has_work(shape)) {  // no input channels: the bias is all there is
    bias != nullptr ? broadcast(op, *bias, y) : fill(y, 0);
    return;
  }
  convolve_forward(op, shape, x, weights, bias, y);
}

void CudaBackend::conv2d_forward_statistics(const Conv2d& shape, const Tensor& x, const WeightView& weights,
                                            const Tensor* bias, Tensor& y, const BatchStatistics& statistics) {
  constexpr const char* op = "conv2d_forward_statistics";
  if (!has_work(shape) || kernels_for(op, ConvPass::forward, shape) != Kernels::tensor_core) {
    return Backend::conv2d_forward_statistics(shape, x, weights, bias, y, statistics);
  }
  checks::conv2d_forward(op, shape, x, weights, bias, y);
  checks::batch_statistics(op, statistics, shape.out_c);
  const Scratch<float> mean(*stream_, shape.out_c);
  const Scratch<float> variance(*stream_, shape.out_c);
  tensor_core_forward(*stream_, op, shape, in(op, x), on_device(op, weights), optional(op, bias),
                      options_.weight_quantization, cache_.get(), out(op, y), {mean.data(), variance.data()});
  store_statistics(op, shape.batch * shape.out_h * shape.out_w, mean.data(), variance.data(), statistics);
}

void CudaBackend::conv2d_backward_data(const Conv2d& shape, const Tensor& dy, const WeightView& weights, Tensor& dx) {
  constexpr const char* op = "conv2d_backward_data";
  checks::conv2d(op, shape);
  checks::weights(op, weights);
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "weights", *weights.values, checks::weight_shape(shape));
  checks::has_shape(op, "dx", dx, checks::input_shape(shape));
  if (!has_work(shape)) return fill(dx, 0);
  convolve_backward_data(op, shape, dy, weights, dx);
}

void CudaBackend::conv2d_backward_weights(const Conv2d& shape, const Tensor& x, const Tensor& dy, Tensor& dw,
                                          Tensor* dbias) {
  constexpr const char* op = "conv2d_backward_weights";
  checks::conv2d(op, shape);
  checks::has_shape(op, "x", x, checks::input_shape(shape));
  checks::has_shape(op, "dy", dy, checks::output_shape(shape));
  checks::has_shape(op, "dw", dw, checks::weight_shape(shape));
  if (dbias != nullptr) {
    checks::has_shape(op, "dbias", *dbias, Shape{shape.out_c});
    channel_sums(op, dy, *dbias);
  }
  if (!has_work(shape)) return fill(dw, 0);
  convolve_backward_weights(op, shape, x, dy, dw);
}

}  // namespace scnn::cuda
