#pragma once

#include "cuda/conv/fp32/gemm.h"
#include "cuda/ops/windows.h"

/// What convolutions multiply, as the loaders of cuda/conv/fp32/gemm.h ask for it.  Steps of k are (kernel row, kernel
/// column, channel), channels fastest; or, for the weights' gradient, output pixels.  Outside of its array a source is
/// 0.
namespace scnn::cuda {

template <int width>
__device__ __forceinline__ Vector<width> nothing() {
  return {};
}

/// The windows of an image: row m is an output pixel.  `transposed`: the other way round, row m is an input pixel and
/// the image is the gradient of the output.
template <bool transposed>
struct Patches {
  Axis h, w;
  const float* image;
  std::int64_t rows;
  int channels, of_group;  ///< of the image

  struct Row {
    std::int64_t image;  ///< offset of its image's first pixel, -1 behind the last row
    int y, x;
  };
  struct Place {
    int channel;  ///< -1 behind the last step
    int r, q;
  };

  __device__ void enter(int group) { image += group * of_group; }
  [[nodiscard]] __device__ Row row(std::int64_t m) const {
    if (m >= rows) return {-1, 0, 0};
    const int high = transposed ? h.in : h.out;
    const int wide = transposed ? w.in : w.out;
    const std::int64_t line = m / wide;
    const std::int64_t n = line / high;
    const std::int64_t pixels = static_cast<std::int64_t>(transposed ? h.out : h.in) * (transposed ? w.out : w.in);
    return {n * pixels * channels, static_cast<int>(line - n * high), static_cast<int>(m - line * wide)};
  }
  [[nodiscard]] __device__ Place place(int k) const {
    if (k < 0) return {-1, 0, 0};
    const int tap = k / of_group;
    return {k - tap * of_group, tap / w.kernel, tap % w.kernel};
  }
  template <int width>
  [[nodiscard]] __device__ Vector<width> load(const Row& m, const Place& k) const {
    if (m.image < 0 || k.channel < 0) return nothing<width>();
    const int y = transposed ? h.output(m.y, k.r) : h.input(m.y, k.r);
    const int x = transposed ? w.output(m.x, k.q) : w.input(m.x, k.q);
    if (y < 0 || x < 0 || (!transposed && (y >= h.in || x >= w.in))) return nothing<width>();
    const int wide = transposed ? w.out : w.in;
    return load_vector<width>(image + m.image + (static_cast<std::int64_t>(y) * wide + x) * channels + k.channel);
  }
};

/// Weights OHWI: row n is an output channel.
struct WeightRows {
  const float* weights;
  int rows, steps;  ///< of a group

  using Row = std::int64_t;
  using Place = int;
  __device__ void enter(int group) { weights += static_cast<std::int64_t>(group) * rows * steps; }
  [[nodiscard]] __device__ Row row(std::int64_t n) const { return n < rows ? n * steps : -1; }
  [[nodiscard]] __device__ Place place(int k) const { return k; }
  template <int width>
  [[nodiscard]] __device__ Vector<width> load(Row n, Place k) const {
    return n < 0 || k < 0 ? nothing<width>() : load_vector<width>(weights + n + k);
  }
};

/// Weights OHWI for the gradient of the input: column n is an input channel, a step of k a tap and an output channel.
struct WeightColumns {
  const float* weights;
  int taps, in, out;  ///< channels of a group

  using Column = int;
  __device__ void enter(int group) { weights += static_cast<std::int64_t>(group) * out * taps * in; }
  [[nodiscard]] __device__ Column column(std::int64_t n) const { return n < in ? static_cast<int>(n) : -1; }
  template <int width>
  [[nodiscard]] __device__ Vector<width> load(Column n, int k) const {
    if (n < 0 || k < 0) return nothing<width>();
    const int tap = k / out;
    const int channel = k - tap * out;
    return load_vector<width>(weights + (static_cast<std::int64_t>(channel) * taps + tap) * in + n);
  }
};

/// The gradient of the output for that of the weights: column m is an output channel, k a pixel.
struct PixelColumns {
  const float* dy;
  int channels, of_group;

  using Column = int;
  __device__ void enter(int group) { dy += group * of_group; }
  [[nodiscard]] __device__ Column column(std::int64_t m) const { return m < of_group ? static_cast<int>(m) : -1; }
  template <int width>
  [[nodiscard]] __device__ Vector<width> load(Column m, int k) const {
    return m < 0 || k < 0 ? nothing<width>() : load_vector<width>(dy + static_cast<std::int64_t>(k) * channels + m);
  }
};

/// The image for the gradient of the weights: column n is a tap and an input channel, k an output pixel.
struct PatchColumns {
  Axis h, w;
  const float* image;
  int channels, of_group;

  struct Column {
    int channel;  ///< -1 behind the last column
    int r, q;
  };
  __device__ void enter(int group) { image += group * of_group; }
  [[nodiscard]] __device__ Column column(std::int64_t n) const {
    const int tap = static_cast<int>(n) / of_group;
    if (tap >= h.kernel * w.kernel) return {-1, 0, 0};
    return {static_cast<int>(n) - tap * of_group, tap / w.kernel, tap % w.kernel};
  }
  template <int width>
  [[nodiscard]] __device__ Vector<width> load(const Column& n, int k) const {
    if (n.channel < 0 || k < 0) return nothing<width>();
    const int line = k / w.out;
    const int picture = line / h.out;
    const int y = h.input(line - picture * h.out, n.r);
    const int x = w.input(k - line * w.out, n.q);
    if (!h.has_input(y) || !w.has_input(x)) return nothing<width>();
    const std::int64_t pixel = (static_cast<std::int64_t>(picture) * h.in + y) * w.in + x;
    return load_vector<width>(image + pixel * channels + n.channel);
  }
};

}  // namespace scnn::cuda
