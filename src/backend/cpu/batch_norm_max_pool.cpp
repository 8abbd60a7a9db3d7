#include <algorithm>
#include <array>
#include <vector>

#include "backend/checks.h"
#include "backend/cpu/batch_norm.h"
#include "backend/cpu/channel_vectors.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/max_pool2d.h"
#include "core/trace.h"

namespace scnn::cpu {
namespace {

/// For max_pool_forward: the winner of slope * (v - centre) + shift, then the activation.
template <bool relu>
struct Normal {
  const float *slope, *centre, *shift;

  [[nodiscard]] float value(float v, std::int64_t c) const { return slope[c] * (v - centre[c]) + shift[c]; }
  [[gnu::always_inline]] Floats value(const Floats& v, std::int64_t c) const {
    return load(slope + c) * (v - load(centre + c)) + load(shift + c);
  }
  static float finish(float y) { return relu ? rectify(y) : y; }
  [[gnu::always_inline]] static Floats finish(const Floats& y) { return relu ? (0.0F > y ? Floats{} : y) : y; }
};

/// Windows that lie side by side: each pixel is in one at most.
bool apart(const Pool2d& s) {
  const Window& w = s.window;
  const bool plain = w.pad_h == 0 && w.pad_w == 0 && w.dilation_h == 1 && w.dilation_w == 1;
  return plain && w.stride_h == w.kernel_h && w.stride_w == w.kernel_w && s.out_h * w.kernel_h <= s.in_h &&
         s.out_w * w.kernel_w <= s.in_w;
}

/// The gradient through a pool of windows side by side and a batch norm in front of it, by windows, eight channels at a
/// time; `taps`: pixels of a window, 0 where the shape alone tells.
template <bool relu, int taps>
class WindowGradient {
 public:
  WindowGradient(const Pool2d& shape, const Tensor& x, const Tensor& y, const Tensor& argmax, const Tensor& dy,
                 const float* mean)
      : shape_(shape),
        x_(x.data<float>()),
        y_(y.data<float>()),
        argmax_(argmax.data<std::uint8_t>()),
        dy_(dy.data<float>()),
        mean_(mean) {
    const Window& w = shape.window;
    for (std::int64_t r = 0; r < w.kernel_h; ++r) {
      for (std::int64_t q = 0; q < w.kernel_w; ++q) pixels_.push_back((r * shape.in_w + q) * shape.channels);
    }
  }

  /// Sums of g and g * (x - mean): float within a chunk of lines, double across chunks, whatever the number of threads.
  std::array<std::vector<double>, 2> sums(const Workers& workers) const {
    const auto channels = static_cast<std::size_t>(shape_.channels);
    const std::int64_t lines = shape_.batch * shape_.out_h;
    const std::int64_t chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 13) / (shape_.out_w * shape_.channels));
    const auto chunks = static_cast<std::size_t>((lines + chunk - 1) / chunk);
    std::vector<double> partial(2 * channels * chunks);
    workers.ranges(lines, chunk, lines * shape_.in_w * shape_.channels, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t places = (shape_.channels + vector_channels - 1) / vector_channels * vector_channels;
      std::vector<float> of_places(2 * static_cast<std::size_t>(places));
      float* first = of_places.data();
      float* second = first + places;
      for (std::int64_t line = begin; line < end; ++line) add_line(line, first, second);
      double* out = partial.data() + static_cast<std::size_t>(begin / chunk) * 2 * channels;
      each_vector(shape_.channels, [&](std::int64_t c, std::int64_t place) {
        for (std::int64_t i = place - c; i < vector_channels; ++i) {  // those before belong to the last vector
          out[c + i] = static_cast<double>(first[place + i]);
          out[shape_.channels + c + i] = static_cast<double>(second[place + i]);
        }
      });
    });
    std::array<std::vector<double>, 2> total{std::vector<double>(channels), std::vector<double>(channels)};
    for (std::size_t k = 0; k < chunks; ++k) {
      for (std::size_t c = 0; c < channels; ++c) {
        total[0][c] += partial[2 * k * channels + c];
        total[1][c] += partial[(2 * k + 1) * channels + c];
      }
    }
    return total;
  }

  /// dx under row `line` of y, counted over the whole batch; rows below the last windows belong to the last line of
  /// their image.
  void write_line(std::int64_t line, const NormGradient& terms, float* dx) const {
    const Window& w = shape_.window;
    const std::int64_t channels = shape_.channels;
    const auto plain = [&](std::int64_t row, std::int64_t column, std::int64_t end) {
      for (; column < end; ++column) {
        const std::int64_t at = (row * shape_.in_w + column) * channels;
        each_vector(channels, [&](std::int64_t c, std::int64_t) { write(terms, Floats{}, at + c, c, dx); });
      }
    };
    const std::int64_t top = first_row(line);
    for (std::int64_t column = 0; column < shape_.out_w; ++column) {
      const std::int64_t out = (line * shape_.out_w + column) * channels;
      const std::int64_t in = (top * shape_.in_w + column * w.kernel_w) * channels;
      each_vector(channels, [&](std::int64_t c, std::int64_t) {
        const Floats g = gated(out + c);
        const Ints winner = load(argmax_ + out + c);
        for (int k = 0; k < size(); ++k) {
          write(terms, winner == k ? g : Floats{}, in + pixels_[static_cast<std::size_t>(k)] + c, c, dx);
        }
      });
    }
    for (std::int64_t r = 0; r < w.kernel_h; ++r) plain(top + r, shape_.out_w * w.kernel_w, shape_.in_w);
    if ((line + 1) % shape_.out_h != 0) return;
    const std::int64_t below = top + shape_.in_h - (shape_.out_h - 1) * w.kernel_h;
    for (std::int64_t row = top + w.kernel_h; row < below; ++row) plain(row, 0, shape_.in_w);
  }

 private:
  [[nodiscard]] int size() const { return taps > 0 ? taps : static_cast<int>(pixels_.size()); }
  [[nodiscard]] std::int64_t first_row(std::int64_t line) const {
    return line / shape_.out_h * shape_.in_h + line % shape_.out_h * shape_.window.kernel_h;
  }

  /// The gradient in front of the activation, at an element of y.
  [[gnu::always_inline]] Floats gated(std::int64_t at) const {
    const Floats g = load(dy_ + at);
    return relu ? (load(y_ + at) > 0.0F ? g : Floats{}) : g;
  }

  [[gnu::always_inline]] void write(const NormGradient& terms, const Floats& g, std::int64_t at, std::int64_t c,
                                    float* dx) const {
    const Floats centred = load(x_ + at) - load(mean_ + c);
    store(dx + at, load(terms.slope.data() + c) *
                       (g - load(terms.constant.data() + c) - centred * load(terms.linear.data() + c)));
  }

  void add_line(std::int64_t line, float* first, float* second) const {
    const std::int64_t channels = shape_.channels;
    const std::int64_t top = first_row(line);
    for (std::int64_t column = 0; column < shape_.out_w; ++column) {
      const std::int64_t out = (line * shape_.out_w + column) * channels;
      const float* in = x_ + (top * shape_.in_w + column * shape_.window.kernel_w) * channels;
      each_vector(channels, [&](std::int64_t c, std::int64_t place) {
        const Floats g = gated(out + c);
        const Ints winner = load(argmax_ + out + c);
        Floats v = load(in + c);
        for (int k = 1; k < size(); ++k) v = winner == k ? load(in + pixels_[static_cast<std::size_t>(k)] + c) : v;
        store(first + place, load(first + place) + g);
        store(second + place, load(second + place) + g * (v - load(mean_ + c)));
      });
    }
  }

  const Pool2d& shape_;
  const float *x_, *y_;
  const std::uint8_t* argmax_;
  const float *dy_, *mean_;
  std::vector<std::int64_t> pixels_;  ///< of a window, from its first
};

}  // namespace

void CpuBackend::batch_norm_max_pool_backward(const Pool2d& shape, const Tensor& x, const Tensor& y,
                                              const Tensor& argmax, const Tensor& dy, const BatchNorm& norm, Tensor& dx,
                                              Tensor& dscale, Tensor& dshift) {
  constexpr const char* op = "batch_norm_max_pool_backward";
  checks::max_pool2d(op, shape, x, y, argmax);
  checks::same_shape(op, x, dx);
  checks::same_shape(op, y, dy);
  checks::normalization_backward(op, norm, shape.channels, dscale, dshift);
  if (!apart(shape) || y.size() == 0 || shape.channels < vector_channels) {
    return Backend::batch_norm_max_pool_backward(shape, x, y, argmax, dy, norm, dx, dscale, dshift);
  }
  const TraceScope range("kernel", op);
  const auto run = [&]<bool relu, int taps>() {
    const WindowGradient<relu, taps> gradient(shape, x, y, argmax, dy, norm.mean->data<float>());
    const NormGradient terms(norm, gradient.sums(workers_), x.size() / shape.channels, dscale, dshift);
    float* out = dx.data<float>();
    workers_.each(shape.batch * shape.out_h, x.size(),
                  [&](std::int64_t line) { gradient.write_line(line, terms, out); });
  };
  const bool usual = shape.window.kernel_h == 2 && shape.window.kernel_w == 2;
  if (norm.activation == Activation::relu) {
    usual ? run.operator()<true, 4>() : run.operator()<true, 0>();
  } else {
    usual ? run.operator()<false, 4>() : run.operator()<false, 0>();
  }
}

void CpuBackend::batch_norm_max_pool_forward(const Pool2d& shape, const Tensor& x, const BatchNorm& norm, Tensor& y,
                                             Tensor& argmax) {
  const TraceScope range("kernel", "batch_norm_max_pool_forward");
  constexpr const char* op = "batch_norm_max_pool_forward";
  checks::max_pool2d(op, shape, x, y, argmax);
  checks::normalization(op, norm, shape.channels);
  const NormTerms terms(norm, shape.channels);
  const auto pool = [&]<bool relu>() {
    const Normal<relu> read{terms.slope.data(), terms.centre.data(), terms.shift.data()};
    max_pool_forward(workers_, shape, x.data<float>(), read, y.data<float>(), argmax.data<std::uint8_t>());
  };
  norm.activation == Activation::relu ? pool.operator()<true>() : pool.operator()<false>();
}

}  // namespace scnn::cpu
