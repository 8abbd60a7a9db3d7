#include "backend/checks.h"

#include "scnn/core/error.h"

namespace scnn::checks {
namespace {

/// Whether `out` windows along one axis fit: padding smaller than the window, and less than a stride left over.
bool fits(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
          std::int64_t dilation) {
  const std::int64_t extent = dilation * (kernel - 1) + 1;
  const std::int64_t behind = (out - 1) * stride + extent - in - pad;
  return behind > -stride && pad < extent + in && behind < extent + in;
}

bool positive(const Window& w) {
  return w.kernel_h > 0 && w.kernel_w > 0 && w.stride_h > 0 && w.stride_w > 0 && w.dilation_h > 0 && w.dilation_w > 0 &&
         w.pad_h >= 0 && w.pad_w >= 0;
}

/// Whether each of the windows along one axis holds a place inside the image.
bool inside(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
            std::int64_t dilation) {
  for (std::int64_t o = 0; o < out; ++o) {
    bool any = false;
    for (std::int64_t k = 0; k < kernel && !any; ++k) {
      const std::int64_t i = o * stride - pad + k * dilation;
      any = i >= 0 && i < in;
    }
    if (!any) return false;
  }
  return true;
}

}  // namespace

void fail(const char* op, const std::string& what) { throw Error(ErrorKind::bug, std::string(op) + ": " + what); }

void same_shape(const char* op, const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) fail(op, "shapes " + a.shape().str() + " and " + b.shape().str() + " differ");
}

void has_shape(const char* op, const char* name, const Tensor& tensor, const Shape& shape) {
  if (!tensor.defined()) fail(op, std::string(name) + " is undefined");
  if (!(tensor.shape() == shape)) {
    fail(op, std::string(name) + " has shape " + tensor.shape().str() + ", expected " + shape.str());
  }
}

namespace {

void present(const char* op, const std::string& name, const Tensor* tensor, const Shape& shape) {
  if (tensor == nullptr) fail(op, name + " is missing");
  has_shape(op, name.c_str(), *tensor, shape);
}

}  // namespace

void weights(const char* op, const WeightView& view) {
  if (view.values == nullptr) fail(op, "weights without values");
  if ((view.bits == nullptr) != (view.exponents == nullptr)) fail(op, "bits and exponents must come together");
  if (view.values->shape().rank() < 1) fail(op, "weights have no channel axis");
  if (view.bits != nullptr) {
    const Shape channels{view.values->shape()[0]};
    has_shape(op, "bits", *view.bits, channels);
    has_shape(op, "exponents", *view.exponents, channels);
  }
}

void conv2d(const char* op, const Conv2d& s) {
  const Window& w = s.window;
  if (!positive(w)) fail(op, "window, stride and dilation must be positive and padding not negative");
  if (s.groups < 1 || s.in_c % s.groups != 0 || s.out_c % s.groups != 0) {
    fail(op, std::to_string(s.groups) + " groups do not divide " + std::to_string(s.in_c) + " input and " +
                 std::to_string(s.out_c) + " output channels");
  }
  if (!fits(s.in_h, s.out_h, w.kernel_h, w.stride_h, w.pad_h, w.dilation_h) ||
      !fits(s.in_w, s.out_w, w.kernel_w, w.stride_w, w.pad_w, w.dilation_w)) {
    fail(op, "output " + std::to_string(s.out_h) + "x" + std::to_string(s.out_w) + " does not fit input " +
                 std::to_string(s.in_h) + "x" + std::to_string(s.in_w) + " and the window");
  }
}

void conv2d_forward(const char* op, const Conv2d& shape, const Tensor& x, const WeightView& view, const Tensor* bias,
                    const Tensor& y) {
  conv2d(op, shape);
  weights(op, view);
  has_shape(op, "x", x, input_shape(shape));
  has_shape(op, "weights", *view.values, weight_shape(shape));
  has_shape(op, "y", y, output_shape(shape));
  if (bias != nullptr) has_shape(op, "bias", *bias, Shape{shape.out_c});
}

void batch_statistics(const char* op, const BatchStatistics& statistics, std::int64_t channels) {
  const Shape per_channel{channels};
  present(op, "running_mean", statistics.running_mean, per_channel);
  present(op, "running_var", statistics.running_var, per_channel);
  present(op, "mean", statistics.mean, per_channel);
  present(op, "inv_std", statistics.inv_std, per_channel);
  if (statistics.frozen != nullptr) present(op, "frozen", statistics.frozen, per_channel);
}

void normalization(const char* op, const BatchNorm& norm, std::int64_t channels) {
  const Shape per_channel{channels};
  if (norm.scale == nullptr || norm.shift == nullptr) fail(op, "scale and shift must be there");
  if ((norm.mean == nullptr) != (norm.inv_std == nullptr)) fail(op, "mean and inv_std come together");
  has_shape(op, "scale", *norm.scale, per_channel);
  has_shape(op, "shift", *norm.shift, per_channel);
  if (norm.mean == nullptr) return;
  has_shape(op, "mean", *norm.mean, per_channel);
  has_shape(op, "inv_std", *norm.inv_std, per_channel);
}

void normalization_backward(const char* op, const BatchNorm& norm, std::int64_t channels, const Tensor& dscale,
                            const Tensor& dshift) {
  const Shape per_channel{channels};
  if (norm.scale == nullptr || norm.mean == nullptr || norm.inv_std == nullptr) {
    fail(op, "scale, mean and inv_std must be there");
  }
  has_shape(op, "scale", *norm.scale, per_channel);
  has_shape(op, "mean", *norm.mean, per_channel);
  has_shape(op, "inv_std", *norm.inv_std, per_channel);
  has_shape(op, "dscale", dscale, per_channel);
  has_shape(op, "dshift", dshift, per_channel);
}

void pool2d(const char* op, const Pool2d& s) {
  const Window& w = s.window;
  if (!positive(w)) fail(op, "window, stride and dilation must be positive and padding not negative");
  if (!inside(s.in_h, s.out_h, w.kernel_h, w.stride_h, w.pad_h, w.dilation_h) ||
      !inside(s.in_w, s.out_w, w.kernel_w, w.stride_w, w.pad_w, w.dilation_w)) {
    fail(op, "a window lies outside the image");
  }
}

void max_pool2d(const char* op, const Pool2d& shape, const Tensor& x, const Tensor& y, const Tensor& argmax) {
  pool2d(op, shape);
  has_shape(op, "x", x, input_shape(shape));
  has_shape(op, "y", y, output_shape(shape));
  has_shape(op, "argmax", argmax, output_shape(shape));
  if (shape.window.kernel_h * shape.window.kernel_w > 255) fail(op, "a window of more than 255 places");
}

void update(const char* op, const UpdateRule& rule, const Tensor& gradient, const Tensor& value) {
  same_shape(op, gradient, value);
  if (rule.pull != nullptr) has_shape(op, "pull", *rule.pull, value.shape());
  if (rule.bits != nullptr) {
    if (value.shape().rank() < 1) fail(op, "bits given for a value without axes");
    has_shape(op, "bits", *rule.bits, Shape{value.shape()[0]});
  }
}

void load_images(const char* op, const Tensor& pixels, const Tensor& labels, const Tensor& indices, const Tensor& table,
                 const AugmentSteps& steps, const Tensor& x, const Tensor& y) {
  const Shape& stored = pixels.shape();
  if (stored.rank() != 4) fail(op, "pixels " + stored.str() + " should have four axes");
  has_shape(op, "labels", labels, Shape{stored[0]});
  if (indices.shape().rank() != 1) fail(op, "indices " + indices.shape().str() + " should have one axis");
  has_shape(op, "table", table, Shape{stored[3], 256});
  has_shape(op, "x", x, Shape{indices.size(), stored[1], stored[2], stored[3]});
  has_shape(op, "y", y, indices.shape());
  if (pixels.dtype() != DType::uint8) fail(op, "pixels should be uint8");
  for (const Tensor* whole : {&labels, &indices, &y}) {
    if (whole->dtype() != DType::int32) fail(op, "labels and indices should be int32");
  }
  if (steps.count < 0 || steps.count > max_augment_steps) {
    fail(op, std::to_string(steps.count) + " augmentation steps, at most " + std::to_string(max_augment_steps));
  }
}

void quantized_layer(const char* op, const QuantizedLayer& layer) {
  if (layer.weights.value == nullptr) fail(op, "weights without values");
  const Shape& values = layer.weights.value->shape();
  if (values.rank() < 1) fail(op, "weights have no channel axis");
  const Shape channels{values[0]};
  const bool fixed = layer.bits.m == nullptr && layer.bits.v == nullptr;
  const auto parameter = [&](const std::string& name, const AdamParameter& p, const Shape& shape, bool moments) {
    present(op, name, p.value, shape);
    present(op, name + "' gradient", p.gradient, shape);
    if (!moments) return;
    present(op, name + "' first moment", p.m, shape);
    present(op, name + "' second moment", p.v, shape);
  };
  parameter("weights", layer.weights, values, true);
  parameter("bits", layer.bits, channels, !fixed);
  parameter("exponents", layer.exponents, channels, true);
  if (layer.size_slope != nullptr) present(op, "size_slope", layer.size_slope, channels);
}

Shape input_shape(const Conv2d& s) { return {s.batch, s.in_h, s.in_w, s.in_c}; }
Shape weight_shape(const Conv2d& s) { return {s.out_c, s.window.kernel_h, s.window.kernel_w, s.in_c / s.groups}; }
Shape output_shape(const Conv2d& s) { return {s.batch, s.out_h, s.out_w, s.out_c}; }
Shape input_shape(const Pool2d& s) { return {s.batch, s.in_h, s.in_w, s.channels}; }
Shape output_shape(const Pool2d& s) { return {s.batch, s.out_h, s.out_w, s.channels}; }

}  // namespace scnn::checks
