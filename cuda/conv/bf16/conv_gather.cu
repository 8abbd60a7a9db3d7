#include <algorithm>

#include "cuda/conv/bf16/conv_gather.h"

namespace scnn::cuda {
namespace {

int narrow(std::int64_t x) { return static_cast<int>(x); }

ConvGather gather_of(const GatherAxis& h, const GatherAxis& w, std::int64_t batch, int source_channels, int kernel_w) {
  ConvGather g;
  g.h = h;
  g.w = w;
  g.pixels = narrow(batch) * h.places * w.places;
  g.source_chunks = chunks_of(source_channels);
  g.kernel_w = kernel_w;
  g.by_w = FastDivide(std::max(w.places, 1));
  g.by_hw = FastDivide(std::max(h.places * w.places, 1));
  return g;
}

GatherAxis forward_axis(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                        std::int64_t dilation) {
  GatherAxis a;
  a.source = narrow(in);
  a.places = a.dest = narrow(out);
  a.taps = narrow(kernel);
  a.mult = narrow(stride);
  a.offset = narrow(-pad);
  a.step = narrow(dilation);
  return a;
}

/// Input place p = residue + r * stride gets from output place (p + pad - k * dilation) / stride, for the k that make
/// it whole: k0, k0 + period, ...
GatherAxis backward_axis(int residue, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                         std::int64_t pad, std::int64_t dilation) {
  GatherAxis a;
  a.source = narrow(out);
  a.dest = narrow(in);
  a.dest_first = residue;
  a.dest_stride = narrow(stride);
  a.places = in > residue ? narrow((in - residue + stride - 1) / stride) : 0;
  a.taps = 0;
  std::int64_t first = -1;
  std::int64_t period = 0;
  for (std::int64_t k = 0; k < kernel; ++k) {
    if ((residue + pad - k * dilation) % stride != 0) continue;
    if (first < 0) {
      first = k;
    } else if (period == 0) {
      period = k - first;
    }
    ++a.taps;
  }
  if (a.taps == 0) return a;
  a.offset = narrow((residue + pad - first * dilation) / stride);
  a.step = narrow(-period * dilation / stride);
  a.weight_first = narrow(first);
  a.weight_step = narrow(period);
  return a;
}

}  // namespace

ConvGather forward_gather(const Conv2d& s) {
  const Window& k = s.window;
  return gather_of(forward_axis(s.in_h, s.out_h, k.kernel_h, k.stride_h, k.pad_h, k.dilation_h),
                   forward_axis(s.in_w, s.out_w, k.kernel_w, k.stride_w, k.pad_w, k.dilation_w), s.batch,
                   narrow(s.in_c), narrow(k.kernel_w));
}

std::vector<ConvGather> backward_data_gathers(const Conv2d& s) {
  const Window& k = s.window;
  std::vector<ConvGather> gathers;
  for (int rh = 0; rh < k.stride_h; ++rh) {
    for (int rw = 0; rw < k.stride_w; ++rw) {
      ConvGather g = gather_of(backward_axis(rh, s.in_h, s.out_h, k.kernel_h, k.stride_h, k.pad_h, k.dilation_h),
                               backward_axis(rw, s.in_w, s.out_w, k.kernel_w, k.stride_w, k.pad_w, k.dilation_w),
                               s.batch, narrow(s.out_c), narrow(k.kernel_w));
      if (g.pixels > 0) gathers.push_back(g);
    }
  }
  return gathers;
}

const char* tensor_core_refusal(const Conv2d& s) {
  if (s.groups != 1) return "grouped";
  // PoolWindow of an axis are kept in 16 bits, see PixelRows; offsets in chunks and pixels in 31.
  constexpr std::int64_t most = 1 << 14;
  const Window& k = s.window;
  const auto fits = [&](std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t dilation,
                        std::int64_t pad) {
    return std::max({in, out, kernel * dilation, pad}) < most;
  };
  if (!fits(s.in_h, s.out_h, k.kernel_h, k.dilation_h, k.pad_h) ||
      !fits(s.in_w, s.out_w, k.kernel_w, k.dilation_w, k.pad_w)) {
    return "an axis of 16384 places or more";
  }
  constexpr std::int64_t most_chunks = std::int64_t{1} << 30;
  const std::int64_t in = s.batch * s.in_h * s.in_w * ((s.in_c + 7) / 8);
  const std::int64_t out = s.batch * s.out_h * s.out_w * ((s.out_c + 7) / 8);
  const std::int64_t taps = k.kernel_h * k.kernel_w;
  const std::int64_t weights = s.out_c * taps * ((s.in_c + 7) / 8);
  return std::max({in, out, weights}) < most_chunks ? nullptr : "more than 2^33 values in a tensor";
}

}  // namespace scnn::cuda
