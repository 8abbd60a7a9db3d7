#include <cmath>

#include "reference.h"

namespace scnn::test::reference {
namespace {

/// body(x index, w index, y index) for every product of a convolution.
template <class Body>
void each_product(const Conv2d& s, const Body& body) {
  const Window& w = s.window;
  const std::int64_t in_group = s.in_c / s.groups;
  const std::int64_t out_group = s.groups > 0 && s.out_c > 0 ? s.out_c / s.groups : 1;
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t oh = 0; oh < s.out_h; ++oh)
      for (std::int64_t ow = 0; ow < s.out_w; ++ow)
        for (std::int64_t o = 0; o < s.out_c; ++o)
          for (std::int64_t kh = 0; kh < w.kernel_h; ++kh)
            for (std::int64_t kw = 0; kw < w.kernel_w; ++kw) {
              const std::int64_t ih = oh * w.stride_h - w.pad_h + kh * w.dilation_h;
              const std::int64_t iw = ow * w.stride_w - w.pad_w + kw * w.dilation_w;
              if (ih < 0 || ih >= s.in_h || iw < 0 || iw >= s.in_w) continue;
              for (std::int64_t i = 0; i < in_group; ++i) {
                body(((n * s.in_h + ih) * s.in_w + iw) * s.in_c + o / out_group * in_group + i,
                     ((o * w.kernel_h + kh) * w.kernel_w + kw) * in_group + i,
                     ((n * s.out_h + oh) * s.out_w + ow) * s.out_c + o);
              }
            }
}

}  // namespace

Array conv2d_forward(const Conv2d& s, const Array& x, const Array& w, const Array* bias) {
  Array y = zeros({s.batch, s.out_h, s.out_w, s.out_c});
  if (bias != nullptr) {
    for (std::int64_t i = 0; i < y.size(); ++i) y[i] = (*bias)[i % s.out_c];
  }
  each_product(s, [&](std::int64_t xi, std::int64_t wi, std::int64_t yi) { y[yi] += x[xi] * w[wi]; });
  return y;
}

Array conv2d_backward_data(const Conv2d& s, const Array& dy, const Array& w) {
  Array dx = zeros({s.batch, s.in_h, s.in_w, s.in_c});
  each_product(s, [&](std::int64_t xi, std::int64_t wi, std::int64_t yi) { dx[xi] += dy[yi] * w[wi]; });
  return dx;
}

Array conv2d_backward_weights(const Conv2d& s, const Array& x, const Array& dy) {
  Array dw = zeros({s.out_c, s.window.kernel_h, s.window.kernel_w, s.in_c / s.groups});
  each_product(s, [&](std::int64_t xi, std::int64_t wi, std::int64_t yi) { dw[wi] += x[xi] * dy[yi]; });
  return dw;
}

Array channel_sums(const Array& dy) {
  Array sums = zeros({dy.shape[-1]});
  for (std::int64_t i = 0; i < dy.size(); ++i) sums[i % sums.size()] += dy[i];
  return sums;
}

Array linear_forward(const Array& x, const Array& w, const Array* bias) {
  const std::int64_t batch = x.shape[0], out = w.shape[0], in = batch > 0 ? x.size() / batch : 0;
  Array y = zeros({batch, out});
  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t o = 0; o < out; ++o) {
      double sum = bias != nullptr ? (*bias)[o] : 0;
      for (std::int64_t i = 0; i < in; ++i) sum += x[n * in + i] * w[o * in + i];
      y[n * out + o] = sum;
    }
  return y;
}

Array linear_backward_data(const Array& dy, const Array& w, const Shape& x_shape) {
  Array dx = zeros(x_shape);
  const std::int64_t batch = dy.shape[0], out = dy.shape[1], in = batch > 0 ? dx.size() / batch : 0;
  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t i = 0; i < in; ++i) dx[n * in + i] += dy[n * out + o] * w[o * in + i];
  return dx;
}

Array linear_backward_weights(const Array& x, const Array& dy, const Shape& w_shape) {
  Array dw = zeros(w_shape);
  const std::int64_t batch = dy.shape[0], out = dy.shape[1], in = out > 0 ? dw.size() / out : 0;
  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t i = 0; i < in; ++i) dw[o * in + i] += dy[n * out + o] * x[n * in + i];
  return dw;
}

}  // namespace scnn::test::reference
