#pragma once

#include <string>

#include "scnn/backend/augment.h"
#include "scnn/backend/geometry.h"
#include "scnn/backend/update.h"
#include "scnn/core/tensor.h"

/// The contract's shape rules, once for every backend.  Each function throws Error(bug) naming the op, the tensor, its
/// shape and the shape it should have.
namespace scnn::checks {

[[noreturn]] void fail(const char* op, const std::string& what);

void same_shape(const char* op, const Tensor& a, const Tensor& b);
void has_shape(const char* op, const char* name, const Tensor& tensor, const Shape& shape);
/// bits and exponents come together and have one entry for each row of the values.
void weights(const char* op, const WeightView& view);
/// Positive extents of window, stride and dilation; groups that divide the channels; output extents that the window
/// fits without leaving a whole stride of the image unread.
void conv2d(const char* op, const Conv2d& shape);
/// Arguments of conv2d_forward.
void conv2d_forward(const char* op, const Conv2d& shape, const Tensor& x, const WeightView& view, const Tensor* bias,
                    const Tensor& y);
/// Everything but `frozen` is there, one entry for each channel.
void batch_statistics(const char* op, const BatchStatistics& statistics, std::int64_t channels);
/// Terms of a batch norm's forward ops: mean and inv_std come together.
void normalization(const char* op, const BatchNorm& norm, std::int64_t channels);
/// Terms and results of a batch norm's backward ops: mean and inv_std are there.
void normalization_backward(const char* op, const BatchNorm& norm, std::int64_t channels, const Tensor& dscale,
                            const Tensor& dshift);
/// Arguments of max_pool2d_forward, or of its fused forms.
void max_pool2d(const char* op, const Pool2d& shape, const Tensor& x, const Tensor& y, const Tensor& argmax);
/// Every window holds at least one pixel of the image.
void pool2d(const char* op, const Pool2d& shape);
/// `bits` has one entry for each row of `value`, `pull` the shape of `value`.
void update(const char* op, const UpdateRule& rule, const Tensor& gradient, const Tensor& value);

/// Shapes and element types of Backend::load_images.
void load_images(const char* op, const Tensor& pixels, const Tensor& labels, const Tensor& indices, const Tensor& table,
                 const AugmentSteps& steps, const Tensor& x, const Tensor& y);
/// Everything the step needs is there and fits the weights; the moments of bits come together.
void quantized_layer(const char* op, const QuantizedLayer& layer);

[[nodiscard]] Shape input_shape(const Conv2d& shape);
[[nodiscard]] Shape weight_shape(const Conv2d& shape);
[[nodiscard]] Shape output_shape(const Conv2d& shape);
[[nodiscard]] Shape input_shape(const Pool2d& shape);
[[nodiscard]] Shape output_shape(const Pool2d& shape);

}  // namespace scnn::checks
