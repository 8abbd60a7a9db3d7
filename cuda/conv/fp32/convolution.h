#pragma once

#include "cuda/runtime/partial_sums.h"
#include "scnn/backend/geometry.h"

/// The kernels behind conv2d and linear, in plain float32.  Device pointers of the shapes of Conv2d; extents are not 0.
namespace scnn::cuda {

void convolution_forward(Stream& stream, const char* op, const Conv2d& shape, const float* x, const float* w,
                         const float* bias, float* y);
void convolution_backward_data(Stream& stream, const char* op, const Conv2d& shape, const float* dy, const float* w,
                               float* dx);
/// dw may be left to `sums` as partial sums.
void convolution_backward_weights(Stream& stream, const char* op, const Conv2d& shape, const float* x, const float* dy,
                                  PartialSums& sums, float* dw);

/// One input channel a group: no tile of a matrix product would be filled.
[[nodiscard]] inline bool is_depthwise(const Conv2d& s) { return s.groups > 1 && s.groups == s.in_c; }
void depthwise_forward(Stream& stream, const char* op, const Conv2d& shape, const float* x, const float* w,
                       const float* bias, float* y);
void depthwise_backward_data(Stream& stream, const char* op, const Conv2d& shape, const float* dy, const float* w,
                             float* dx);
void depthwise_backward_weights(Stream& stream, const char* op, const Conv2d& shape, const float* x, const float* dy,
                                float* dw);

/// out [n] = the sum of partial [slices, n] over the slices, in their order.
void sum_slices(Stream& stream, const char* op, const float* partial, int slices, std::int64_t n, float* out);

}  // namespace scnn::cuda
