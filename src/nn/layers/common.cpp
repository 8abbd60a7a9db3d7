#include "nn/layers/common.h"

namespace scnn {
namespace {

/// `same` keeps the extent at stride 1: floor(dilation * (kernel - 1) / 2) on both sides.
std::int64_t padding_of(Padding padding, std::int64_t pad, std::int64_t kernel, std::int64_t dilation) {
  if (padding == Padding::valid) return 0;
  if (padding == Padding::explicit_) return pad;
  const std::int64_t reach = dilation * (kernel - 1);
  if (reach % 2 != 0) {
    shape_error("padding: same needs an odd effective kernel, not " + std::to_string(reach + 1) +
                ": change the kernel or give the padding as a number");
  }
  return reach / 2;
}

std::int64_t out_extent(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                        std::int64_t dilation, const char* axis) {
  const std::int64_t span = dilation * (kernel - 1) + 1;
  if (in + 2 * pad < span) {
    shape_error(std::string("window of ") + std::to_string(span) + " does not fit the " + axis + " of " +
                std::to_string(in) + " plus 2 x " + std::to_string(pad) +
                " padding: lower the kernel or raise the padding");
  }
  return (in + 2 * pad - span) / stride + 1;
}

}  // namespace

WindowFit fit_window(const Edge& in, Extent2 kernel, Extent2 stride, Extent2 dilation, Padding padding, Extent2 pad) {
  WindowFit fit;
  Window& w = fit.window;
  w.kernel_h = kernel.h, w.kernel_w = kernel.w;
  w.stride_h = stride.h, w.stride_w = stride.w;
  w.dilation_h = dilation.h, w.dilation_w = dilation.w;
  w.pad_h = padding_of(padding, pad.h, kernel.h, dilation.h);
  w.pad_w = padding_of(padding, pad.w, kernel.w, dilation.w);
  fit.out_h = out_extent(in.h, kernel.h, stride.h, w.pad_h, dilation.h, "height");
  fit.out_w = out_extent(in.w, kernel.w, stride.w, w.pad_w, dilation.w, "width");
  return fit;
}

}  // namespace scnn
