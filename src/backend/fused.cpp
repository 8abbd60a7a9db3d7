// Fused ops as compositions of primitives: what they mean, and what a backend without a kernel of its own runs.

#include "backend/checks.h"
#include "scnn/backend/backend.h"

namespace scnn {
namespace {

void step(Backend& backend, const AdamParameter& p, const UpdateRule& rule) {
  backend.adam(p.step, rule, *p.gradient, *p.m, *p.v, *p.value);
}

}  // namespace

void Backend::conv2d_forward_statistics(const Conv2d& shape, const Tensor& x, const WeightView& weights,
                                        const Tensor* bias, Tensor& y, const BatchStatistics& statistics) {
  conv2d_forward(shape, x, weights, bias, y);
  batch_norm_statistics(y, statistics);
}

void Backend::batch_norm_max_pool_forward(const Pool2d& shape, const Tensor& x, const BatchNorm& norm, Tensor& y,
                                          Tensor& argmax) {
  BatchNorm linear = norm;
  linear.activation = Activation::none;
  Tensor normal = allocate(x.shape());
  batch_norm_forward(x, linear, normal);
  if (norm.activation == Activation::none) return max_pool2d_forward(shape, normal, y, argmax);
  Tensor pooled = allocate(y.shape());
  max_pool2d_forward(shape, normal, pooled, argmax);
  relu_forward(pooled, y);
}

void Backend::batch_norm_max_pool_backward(const Pool2d& shape, const Tensor& x, const Tensor& y, const Tensor& argmax,
                                           const Tensor& dy, const BatchNorm& norm, Tensor& dx, Tensor& dscale,
                                           Tensor& dshift) {
  Tensor through = dy;
  if (norm.activation == Activation::relu) {
    through = allocate(dy.shape());
    relu_backward(y, dy, through);
  }
  max_pool2d_backward(shape, through, argmax, dx);
  BatchNorm linear = norm;
  linear.activation = Activation::none;
  batch_norm_backward(x, x, dx, linear, dx, dscale, dshift);
}

void Backend::quantize_backward_adam(std::span<const QuantizedLayer> layers, Scalar gamma) {
  for (const QuantizedLayer& layer : layers) {
    checks::quantized_layer("quantize_backward_adam", layer);
    const AdamParameter& bits = layer.bits;
    quantize_backward({layer.weights.value, bits.value, layer.exponents.value}, layer.revive, *layer.weights.gradient,
                      *bits.gradient, *layer.exponents.gradient);
    UpdateRule of_weights;
    of_weights.bits = layer.revive ? nullptr : bits.value;
    step(*this, layer.weights, of_weights);  // first: it asks for the bits that the gradients were taken at
    if (bits.m != nullptr) {
      if (layer.size_slope != nullptr) accumulate(*layer.size_slope, gamma.get(), *bits.gradient);
      UpdateRule of_bits;
      of_bits.lower = layer.bits_lower;
      of_bits.upper = layer.bits_upper;
      step(*this, bits, of_bits);
    }
    step(*this, layer.exponents, {});
  }
}

}  // namespace scnn
