#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "arrays.h"
#include "cuda/conv/bf16/bf16.h"
#include "cuda/runtime/runtime.h"
#include "schedule.h"
#include "scnn/backend/geometry.h"

/// Arrays of the double reference in the memory of the emulated device, for tests of kernels below the backend.
namespace scnn::test {

[[nodiscard]] inline int narrow(std::int64_t x) { return static_cast<int>(x); }

inline double rounded_to_bf16(double x) {
  return static_cast<double>(cuda::to_float(cuda::to_bf16(static_cast<float>(x))));
}
inline Array rounded_to_bf16(Array a) {
  for (double& v : a.values) v = rounded_to_bf16(v);
  return a;
}

/// Device memory that starts with values of the host.
template <class T>
class Uploaded : public cuda::Scratch<T> {
 public:
  Uploaded(cuda::Stream& stream, const std::vector<T>& values)
      : cuda::Scratch<T>(stream, static_cast<std::int64_t>(values.size())) {
    stream.copy(this->data(), values.data(), values.size() * sizeof(T));
    stream.wait();
  }
};

/// A device and its stream.
class Bench {
 public:
  cuda::Stream stream{0};

  template <class T>
  [[nodiscard]] Uploaded<T> upload(const std::vector<T>& values) {
    return Uploaded<T>(stream, values);
  }
  [[nodiscard]] Uploaded<float> upload(const Array& array) {
    return upload(std::vector<float>(array.values.begin(), array.values.end()));
  }
  template <class T>
  [[nodiscard]] std::vector<T> download(const T* there, std::int64_t count) {
    std::vector<T> values(static_cast<std::size_t>(count));
    stream.copy(values.data(), there, values.size() * sizeof(T));
    stream.wait();
    return values;
  }
  [[nodiscard]] std::vector<double> download_values(const float* there, std::int64_t count) {
    const std::vector<float> values = download(there, count);
    return {values.begin(), values.end()};
  }
  /// Rows of `channels` values with the padding behind each left out; the padding must be 0.
  [[nodiscard]] std::vector<double> download_values(const cuda::Bf16* there, std::int64_t rows, int channels) {
    const int pitch = cuda::padded_channels(channels);
    const std::vector<cuda::Bf16> stored = download(there, rows * pitch);
    std::vector<double> values;
    for (std::size_t i = 0; i < stored.size(); ++i) {
      const double value = static_cast<double>(cuda::to_float(stored[i]));
      if (static_cast<int>(i % static_cast<std::size_t>(pitch)) < channels) {
        values.push_back(value);
      } else if (value != 0) {
        values.push_back(NAN);
      }
    }
    return values;
  }
};

/// [.., channels] with rows padded to whole chunks, as the tensor-core kernels read it.
inline std::vector<cuda::Bf16> padded_bf16(const Array& a) {
  const std::int64_t channels = a.shape[-1];
  const std::int64_t pitch = cuda::padded_channels(static_cast<int>(channels));
  const std::int64_t rows = channels > 0 ? a.size() / channels : 0;
  std::vector<cuda::Bf16> values(static_cast<std::size_t>(rows * pitch), cuda::Bf16{0});
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < channels; ++c) {
      values[static_cast<std::size_t>(r * pitch + c)] = cuda::to_bf16(static_cast<float>(a[r * channels + c]));
    }
  }
  return values;
}

/// The largest difference over the largest value wanted; infinite where sizes differ or a value is NaN.
inline double relative_error(const std::vector<double>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return INFINITY;
  double worst = 0;
  double largest = 1e-30;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double difference = std::fabs(got[i] - want[i]);
    if (!(difference <= worst)) worst = difference == difference ? difference : INFINITY;
    largest = std::fmax(largest, std::fabs(want[i]));
  }
  return worst / largest;
}

/// Root of the mean square of the differences over that of the values wanted: what rounding to bf16 costs, at most
/// 2^-8 and about 2^-8 / sqrt(12) on average, whatever the largest value's place between two powers of 2.
inline double norm_error(const std::vector<double>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return INFINITY;
  double differences = 0;
  double squares = 1e-30;
  for (std::size_t i = 0; i < want.size(); ++i) {
    differences += (got[i] - want[i]) * (got[i] - want[i]);
    squares += want[i] * want[i];
  }
  return differences == differences ? std::sqrt(differences / squares) : INFINITY;
}

/// A square convolution, padded by `pad` above and left, its outputs as many as fit with the same below and right.
struct ConvCase {
  const char* name;
  std::int64_t batch, in_h, in_w, in_c, out_c, kernel, stride, pad, dilation;

  [[nodiscard]] Conv2d shape() const {
    const auto out = [&](std::int64_t in) { return (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1; };
    return {batch,     in_h,      in_w,  in_c,
            out(in_h), out(in_w), out_c, {kernel, kernel, stride, stride, pad, pad, dilation, dilation},
            1};
  }
};

/// Every kind of raggedness: in pixels, in channels of either side, in the reduction.
inline const std::vector<ConvCase>& conv_cases() {
  static const std::vector<ConvCase> cases{
      {"whole chunks", 2, 8, 8, 16, 32, 3, 1, 1, 1},
      {"odd widths", 3, 7, 6, 13, 19, 3, 1, 1, 1},
      {"three channels, 5x5", 2, 11, 12, 3, 10, 5, 1, 2, 1},
      {"one channel, one output", 2, 5, 5, 1, 1, 3, 1, 0, 1},
      {"a slab and one chunk", 1, 9, 8, 72, 40, 3, 1, 1, 1},
      {"two slabs, three tiles of outputs", 1, 5, 7, 128, 260, 1, 1, 0, 1},
      {"stride 2", 2, 9, 10, 11, 6, 3, 2, 1, 1},
      {"stride 2, 1x1", 2, 9, 8, 8, 24, 1, 2, 0, 1},
      {"stride 3, 2x2: places nobody reads", 2, 9, 10, 9, 7, 2, 3, 0, 1},
      {"dilation 2", 2, 9, 11, 20, 12, 3, 1, 2, 2},
      {"stride 2, dilation 3", 1, 13, 12, 5, 9, 3, 2, 3, 3},
      {"wide padding", 1, 4, 3, 8, 8, 3, 1, 4, 1},
      {"many pixels", 3, 17, 16, 12, 33, 3, 1, 1, 1},
  };
  return cases;
}

}  // namespace scnn::test
