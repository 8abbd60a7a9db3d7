#include "cuda/conv/fp32/convolution.h"
#include "cuda/ops/column_sums.h"
#include "cuda/ops/windows.h"

namespace scnn::cuda {
namespace {

/// Element i of an NHWC array of `rows` x `columns` pixels.
struct Element {
  std::int64_t image;
  int y, x, channel;

  __device__ Element(std::int64_t i, int rows, int columns, int channels) {
    const std::int64_t pixel = i / channels;
    const std::int64_t line = pixel / columns;
    image = line / rows;
    y = static_cast<int>(line - image * rows);
    x = static_cast<int>(pixel - line * columns);
    channel = static_cast<int>(i - pixel * channels);
  }
};

/// Output channel c reads input channel c / multiplier; weights [out_c, taps].
struct Depthwise {
  Axis h, w;
  int in_c, out_c, multiplier;

  explicit Depthwise(const Conv2d& s)
      : h(vertical(s)),
        w(horizontal(s)),
        in_c(static_cast<int>(s.in_c)),
        out_c(static_cast<int>(s.out_c)),
        multiplier(static_cast<int>(s.out_c / s.groups)) {}
  [[nodiscard]] __device__ int taps() const { return h.kernel * w.kernel; }
  [[nodiscard]] __device__ std::int64_t input_at(std::int64_t image, int y, int x, int channel) const {
    return ((image * h.in + y) * w.in + x) * in_c + channel;
  }
  [[nodiscard]] __device__ std::int64_t output_at(std::int64_t image, int y, int x, int channel) const {
    return ((image * h.out + y) * w.out + x) * out_c + channel;
  }
};

struct Forward {
  Depthwise d;
  const float *x, *weights, *bias;
  float* y;

  __device__ void operator()(std::int64_t i) const {
    const Element e(i, d.h.out, d.w.out, d.out_c);
    const float* tap = weights + static_cast<std::int64_t>(e.channel) * d.taps();
    float sum = bias != nullptr ? bias[e.channel] : 0.0F;
    for (int r = 0; r < d.h.kernel; ++r) {
      const int row = d.h.input(e.y, r);
      if (!d.h.has_input(row)) continue;
      for (int q = 0; q < d.w.kernel; ++q) {
        const int column = d.w.input(e.x, q);
        if (!d.w.has_input(column)) continue;
        sum = fmaf(x[d.input_at(e.image, row, column, e.channel / d.multiplier)], tap[r * d.w.kernel + q], sum);
      }
    }
    y[i] = sum;
  }
};

struct BackwardData {
  Depthwise d;
  const float *dy, *weights;
  float* dx;

  __device__ void operator()(std::int64_t i) const {
    const Element e(i, d.h.in, d.w.in, d.in_c);
    float sum = 0;
    for (int r = 0; r < d.h.kernel; ++r) {
      const int row = d.h.output(e.y, r);
      if (row < 0) continue;
      for (int q = 0; q < d.w.kernel; ++q) {
        const int column = d.w.output(e.x, q);
        if (column < 0) continue;
        for (int m = 0; m < d.multiplier; ++m) {
          const int channel = e.channel * d.multiplier + m;
          const float weight = weights[static_cast<std::int64_t>(channel) * d.taps() + r * d.w.kernel + q];
          sum = fmaf(dy[d.output_at(e.image, row, column, channel)], weight, sum);
        }
      }
    }
    dx[i] = sum;
  }
};

/// What output element `at` adds to the gradient of one tap of its channel.
struct TapTerm {
  Depthwise d;
  const float *x, *dy;
  int r, q;

  __device__ float2 operator()(std::int64_t at, std::int64_t /*channel*/) const {
    const Element e(at, d.h.out, d.w.out, d.out_c);
    const int row = d.h.input(e.y, r);
    const int column = d.w.input(e.x, q);
    if (!d.h.has_input(row) || !d.w.has_input(column)) return make_float2(0, 0);
    return make_float2(dy[at] * x[d.input_at(e.image, row, column, e.channel / d.multiplier)], 0);
  }
};

struct StoreTap {
  SliceSum sums;
  int taps, tap;
  float* dw;
  __device__ void operator()(std::int64_t c) const { dw[c * taps + tap] = static_cast<float>(sums.first(c)); }
};

}  // namespace

void depthwise_forward(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* w,
                       const float* bias, float* y) {
  each(stream, op, s.batch * s.out_h * s.out_w * s.out_c, Forward{Depthwise(s), x, w, bias, y});
}

void depthwise_backward_data(Stream& stream, const char* op, const Conv2d& s, const float* dy, const float* w,
                             float* dx) {
  each(stream, op, s.batch * s.in_h * s.in_w * s.in_c, BackwardData{Depthwise(s), dy, w, dx});
}

void depthwise_backward_weights(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* dy,
                                float* dw) {
  // A tap at a time: x and dy come from the second level cache after the first.
  const ColumnShape shape(s.batch * s.out_h * s.out_w, s.out_c);
  const Scratch<double> partial(stream, shape.partials());
  const int taps = static_cast<int>(s.window.kernel_h * s.window.kernel_w);
  for (int tap = 0; tap < taps; ++tap) {
    const int r = tap / static_cast<int>(s.window.kernel_w);
    const int q = tap % static_cast<int>(s.window.kernel_w);
    column_sums(stream, op, shape, TapTerm{Depthwise(s), x, dy, r, q}, partial.data());
    each(stream, op, s.out_c, StoreTap{{partial.data(), s.out_c, shape.slices}, taps, tap, dw});
  }
}

}  // namespace scnn::cuda
