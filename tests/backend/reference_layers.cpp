#include <cmath>
#include <limits>

#include "reference.h"

namespace scnn::test::reference {

Array gather(const Array& x, int axis, const Array& indices, const Array* add_to) {
  Shape shape = x.shape;
  shape.set(axis, indices.size());
  Array y = add_to != nullptr ? *add_to : zeros(shape);
  std::int64_t inner = 1;
  for (int a = (axis < 0 ? axis + x.shape.rank() : axis) + 1; a < x.shape.rank(); ++a) inner *= x.shape[a];
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const std::int64_t j = i / inner % indices.size();
    const std::int64_t outer = i / inner / indices.size();
    const auto from = static_cast<std::int64_t>(indices[j]);
    if (from >= 0) y[i] += x[(outer * x.shape[axis] + from) * inner + i % inner];
  }
  return y;
}

Array dropout(const Array& x, double rate, const RandomStream& stream) {
  Array y = x;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const Draws draws = stream.draws(static_cast<std::uint64_t>(i / 4));
    const bool keep = static_cast<double>(draws.v[i % 4] >> 8) / 16777216.0 >= rate;
    y[i] = keep ? x[i] / (1 - rate) : 0;
  }
  return y;
}

namespace {

/// clamp(2^-e w, -2^(b-1), 2^(b-1) - 1) of weight i.
double clamped(const Array& w, const Array& bits, const Array& exponents, std::int64_t i) {
  const std::int64_t channel = i / (w.size() / w.shape[0]);
  const double half = std::pow(2.0, bits[channel] - 1);
  return std::fmin(std::fmax(std::pow(2.0, -exponents[channel]) * w[i], -half), half - 1);
}

/// Nearest, ties to even, without the library's rounding.
double nearest_even(double v) {
  const double below = std::floor(v);
  const double rest = v - below;
  if (rest != 0.5) return rest < 0.5 ? below : below + 1;
  return std::fmod(below, 2.0) == 0.0 ? below : below + 1;
}

}  // namespace

Array rounding(const Array& w, const Array& bits, const Array& exponents) {
  Array r = zeros(w.shape);
  for (std::int64_t i = 0; i < w.size(); ++i) {
    const double c = clamped(w, bits, exponents, i);
    r[i] = nearest_even(c) - c;
  }
  return r;
}

Array quantize_surrogate(const Array& w, const Array& bits, const Array& exponents, const Array& rounding) {
  Array q = zeros(w.shape);
  for (std::int64_t i = 0; i < w.size(); ++i) {
    const std::int64_t channel = i / (w.size() / w.shape[0]);
    q[i] = std::pow(2.0, exponents[channel]) * (clamped(w, bits, exponents, i) + rounding[i]);
  }
  return q;
}

Arrays quantize_backward(const Array& w, const Array& bits, const Array& exponents, const Array& rounding,
                         const Array& g, bool revive) {
  Arrays r{{"dw", zeros(w.shape)}, {"dbits", zeros(bits.shape)}, {"dexponents", zeros(bits.shape)}};
  const double ln2 = std::log(2.0);
  for (std::int64_t i = 0; i < w.size(); ++i) {
    const std::int64_t c = i / (w.size() / w.shape[0]);
    const double b = bits[c], unit = std::exp2(exponents[c]);
    if (b == 0 && !revive) continue;
    const double s = w[i] / unit, lo = -std::exp2(b - 1), hi = -lo - 1;
    const double clamped = std::min(std::max(s, lo), hi);
    const double level = clamped + rounding[i];
    if (s >= lo && s <= hi) r["dw"][i] = g[i];
    if (s < lo) r["dbits"][c] += g[i] * ln2 * lo * unit;
    if (s > hi) r["dbits"][c] -= g[i] * ln2 * lo * unit;
    r["dexponents"][c] += g[i] * ln2 * unit * (s >= lo && s <= hi ? level - s : level);
  }
  return r;
}

Array quantize(const Array& w, const Array& bits, const Array& exponents) {
  return quantize_surrogate(w, bits, exponents, rounding(w, bits, exponents));
}

Normalized batch_norm(const Array& x, const Array& scale, const Array& shift, double eps, double momentum,
                      const Array* frozen, bool relu, const Array& running_mean, const Array& running_var) {
  const std::int64_t channels = x.shape[-1];
  const double n = channels > 0 ? static_cast<double>(x.size() / channels) : 0;
  Normalized r{x, zeros({channels}), zeros({channels}), running_mean, running_var};
  for (std::int64_t c = 0; c < channels; ++c) {
    double mean = 0;
    double var = 0;
    for (std::int64_t i = c; i < x.size(); i += channels) mean += x[i] / n;
    for (std::int64_t i = c; i < x.size(); i += channels) var += (x[i] - mean) * (x[i] - mean) / n;
    r.mean[c] = mean;
    r.inv_std[c] = 1 / std::sqrt(var + eps);
    if (frozen == nullptr || (*frozen)[c] == 0) {
      r.running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean;
      r.running_var[c] = (1 - momentum) * running_var[c] + momentum * var * n / (n > 1 ? n - 1 : n);
    }
    for (std::int64_t i = c; i < x.size(); i += channels) {
      const double v = scale[c] * (x[i] - mean) * r.inv_std[c] + shift[c];
      r.y[i] = relu && v < 0 ? 0 : v;
    }
  }
  return r;
}

Arrays batch_norm_backward(const Array& x, const Array* y, const Array& dy, const Array& scale, const Array& mean,
                           const Array& inv_std) {
  const std::int64_t channels = x.shape[-1];
  const double n = channels > 0 ? static_cast<double>(x.size() / channels) : 0;
  Arrays r{{"dx", zeros(x.shape)}, {"dscale", zeros({channels})}, {"dshift", zeros({channels})}};
  const auto g = [&](std::int64_t i) { return y == nullptr || (*y)[i] > 0 ? dy[i] : 0; };
  const auto normal = [&](std::int64_t i) { return (x[i] - mean[i % channels]) * inv_std[i % channels]; };
  for (std::int64_t i = 0; i < x.size(); ++i) {
    r["dshift"][i % channels] += g(i);
    r["dscale"][i % channels] += g(i) * normal(i);
  }
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t c = i % channels;
    r["dx"][i] = scale[c] * inv_std[c] * (g(i) - r["dshift"][c] / n - normal(i) * r["dscale"][c] / n);
  }
  return r;
}

namespace {

/// body(output, input, place) for every place of every window that lies inside the image.
template <class Body>
void each_place(const Pool2d& s, const Body& body) {
  const Window& w = s.window;
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t oh = 0; oh < s.out_h; ++oh)
      for (std::int64_t ow = 0; ow < s.out_w; ++ow)
        for (std::int64_t kh = 0; kh < w.kernel_h; ++kh)
          for (std::int64_t kw = 0; kw < w.kernel_w; ++kw)
            for (std::int64_t c = 0; c < s.channels; ++c) {
              const std::int64_t ih = oh * w.stride_h - w.pad_h + kh * w.dilation_h;
              const std::int64_t iw = ow * w.stride_w - w.pad_w + kw * w.dilation_w;
              if (ih < 0 || ih >= s.in_h || iw < 0 || iw >= s.in_w) continue;
              body(((n * s.out_h + oh) * s.out_w + ow) * s.channels + c,
                   ((n * s.in_h + ih) * s.in_w + iw) * s.channels + c, kh * w.kernel_w + kw);
            }
}

}  // namespace

Pooled max_pool(const Pool2d& s, const Array& x) {
  Pooled r{zeros({s.batch, s.out_h, s.out_w, s.channels}), zeros({s.batch, s.out_h, s.out_w, s.channels})};
  r.y.values.assign(r.y.values.size(), -std::numeric_limits<double>::infinity());
  each_place(s, [&](std::int64_t o, std::int64_t i, std::int64_t place) {
    if (x[i] > r.y[o]) {
      r.y[o] = x[i];
      r.argmax[o] = static_cast<double>(place);
    }
  });
  return r;
}

Array max_pool_backward(const Pool2d& s, const Array& dy, const Array& argmax) {
  Array dx = zeros({s.batch, s.in_h, s.in_w, s.channels});
  each_place(s, [&](std::int64_t o, std::int64_t i, std::int64_t place) {
    if (argmax[o] == static_cast<double>(place)) dx[i] += dy[o];
  });
  return dx;
}

Array avg_pool(const Pool2d& s, const Array& x) {
  Array y = zeros({s.batch, s.out_h, s.out_w, s.channels});
  Array count = y;
  each_place(s, [&](std::int64_t o, std::int64_t i, std::int64_t) {
    y[o] += x[i];
    count[o] += 1;
  });
  for (std::int64_t o = 0; o < y.size(); ++o) y[o] /= count[o];
  return y;
}

Array avg_pool_backward(const Pool2d& s, const Array& dy) {
  Array count = zeros(dy.shape);
  Array dx = zeros({s.batch, s.in_h, s.in_w, s.channels});
  each_place(s, [&](std::int64_t o, std::int64_t, std::int64_t) { count[o] += 1; });
  each_place(s, [&](std::int64_t o, std::int64_t i, std::int64_t) { dx[i] += dy[o] / count[o]; });
  return dx;
}

}  // namespace scnn::test::reference
