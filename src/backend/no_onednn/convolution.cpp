// Convolutions without a library: right, and slow where Winograd does not take them.

#include "backend/cpu/convolution.h"

#include <algorithm>
#include <vector>

#include "backend/no_onednn/loops.h"

namespace scnn::cpu {
namespace {

/// The input that place `k` of window `o` covers along one axis, or -1 in the padding.
std::int64_t covered(std::int64_t o, std::int64_t k, std::int64_t stride, std::int64_t pad, std::int64_t dilation,
                     std::int64_t extent) {
  const std::int64_t i = o * stride - pad + k * dilation;
  return i >= 0 && i < extent ? i : -1;
}

/// visit(input pixel, tap) for what the window of output pixel (`row`, `column`) of image `n` covers.
template <class Visit>
void each_tap(const Conv2d& s, std::int64_t n, std::int64_t row, std::int64_t column, const Visit& visit) {
  const Window& w = s.window;
  for (std::int64_t r = 0; r < w.kernel_h; ++r) {
    const std::int64_t y = covered(row, r, w.stride_h, w.pad_h, w.dilation_h, s.in_h);
    if (y < 0) continue;
    for (std::int64_t q = 0; q < w.kernel_w; ++q) {
      const std::int64_t x = covered(column, q, w.stride_w, w.pad_w, w.dilation_w, s.in_w);
      if (x >= 0) visit((n * s.in_h + y) * s.in_w + x, r * w.kernel_w + q);
    }
  }
}

/// Extents that every direction asks for.
struct Extents {
  std::int64_t in, out;  ///< channels of a group
  std::int64_t taps, work;

  explicit Extents(const Conv2d& s)
      : in(s.in_c / s.groups),
        out(s.out_c / s.groups),
        taps(s.window.kernel_h * s.window.kernel_w),
        work(s.batch * s.out_h * s.out_w * s.out_c * taps * in) {}
};

}  // namespace

std::string product_library() { return "plain loops"; }

struct Convolutions::Impl {
  Workers workers;
};

Convolutions::Convolutions(const Workers& workers) : impl_(std::make_unique<Impl>(Impl{workers})) {}
Convolutions::~Convolutions() = default;

void Convolutions::forward(const Conv2d& s, const float* x, const float* w, const float* bias, float* y) {
  const Extents e(s);
  impl_->workers.each(s.batch * s.out_h, e.work, [&](std::int64_t line) {
    for (std::int64_t column = 0; column < s.out_w; ++column) {
      float* out = y + (line * s.out_w + column) * s.out_c;
      for (std::int64_t o = 0; o < s.out_c; ++o) out[o] = bias != nullptr ? bias[o] : 0.0F;
      each_tap(s, line / s.out_h, line % s.out_h, column, [&](std::int64_t pixel, std::int64_t tap) {
        for (std::int64_t o = 0; o < s.out_c; ++o) {
          out[o] += dot(x + pixel * s.in_c + o / e.out * e.in, w + (o * e.taps + tap) * e.in, e.in);
        }
      });
    }
  });
}

void Convolutions::backward_data(const Conv2d& s, const float* dy, const float* w, float* dx) {
  const Extents e(s);
  const std::int64_t image = s.in_h * s.in_w * s.in_c;
  impl_->workers.each(s.batch, e.work, [&](std::int64_t n) {  // windows overlap within an image alone
    std::fill_n(dx + n * image, image, 0.0F);
    for (std::int64_t place = 0; place < s.out_h * s.out_w; ++place) {
      const float* gradient = dy + (n * s.out_h * s.out_w + place) * s.out_c;
      each_tap(s, n, place / s.out_w, place % s.out_w, [&](std::int64_t pixel, std::int64_t tap) {
        for (std::int64_t o = 0; o < s.out_c; ++o) {
          add_scaled(gradient[o], w + (o * e.taps + tap) * e.in, e.in, dx + pixel * s.in_c + o / e.out * e.in);
        }
      });
    }
  });
}

void Convolutions::backward_weights(const Conv2d& s, const float* x, const float* dy, float* dw) {
  const Extents e(s);
  impl_->workers.each(s.out_c, e.work, [&](std::int64_t o) {
    std::vector<double> sums(static_cast<std::size_t>(e.taps * e.in));  // over a batch's pixels: many
    for (std::int64_t place = 0; place < s.batch * s.out_h * s.out_w; ++place) {
      const std::int64_t line = place / s.out_w;
      each_tap(s, line / s.out_h, line % s.out_h, place % s.out_w, [&](std::int64_t pixel, std::int64_t tap) {
        add_scaled(dy[place * s.out_c + o], x + pixel * s.in_c + o / e.out * e.in, e.in, &sums[tap * e.in]);
      });
    }
    std::ranges::transform(sums, dw + o * e.taps * e.in, [](double sum) { return static_cast<float>(sum); });
  });
}

}  // namespace scnn::cpu
