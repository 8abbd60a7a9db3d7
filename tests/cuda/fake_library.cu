#include "cuda/conv/bf16/bf16.h"
#include "cuda/runtime/launch.h"
#include "fake_library.h"
#include "scnn/core/error.h"

namespace scnn::test {
namespace {

using cuda::Bf16;
using cuda::ConvPass;

__device__ double read(const float* from, std::int64_t i) { return static_cast<double>(from[i]); }
__device__ double read(const Bf16* from, std::int64_t i) { return static_cast<double>(cuda::to_float(from[i])); }
__device__ void write(float* to, std::int64_t i, double value) { to[i] = static_cast<float>(value); }
__device__ void write(Bf16* to, std::int64_t i, double value) { to[i] = cuda::to_bf16(static_cast<float>(value)); }

/// One result a thread, a sum over the two axes of places and one of images or channels.
template <class T>
struct Convolution {
  ConvPass pass;
  Conv2d s;
  T *x, *w, *y;

  [[nodiscard]] __device__ std::int64_t at_x(std::int64_t n, std::int64_t h, std::int64_t v, std::int64_t c) const {
    return ((n * s.in_h + h) * s.in_w + v) * s.in_c + c;
  }
  [[nodiscard]] __device__ std::int64_t at_y(std::int64_t n, std::int64_t h, std::int64_t v, std::int64_t c) const {
    return ((n * s.out_h + h) * s.out_w + v) * s.out_c + c;
  }
  [[nodiscard]] __device__ std::int64_t at_w(std::int64_t o, std::int64_t place, std::int64_t i) const {
    return (o * s.window.kernel_h * s.window.kernel_w + place) * (s.in_c / s.groups) + i;
  }
  [[nodiscard]] __device__ std::int64_t row(std::int64_t oh, std::int64_t place) const {
    return oh * s.window.stride_h - s.window.pad_h + place / s.window.kernel_w * s.window.dilation_h;
  }
  [[nodiscard]] __device__ std::int64_t column(std::int64_t ow, std::int64_t place) const {
    return ow * s.window.stride_w - s.window.pad_w + place % s.window.kernel_w * s.window.dilation_w;
  }
  [[nodiscard]] __device__ bool inside(std::int64_t h, std::int64_t v) const {
    return h >= 0 && h < s.in_h && v >= 0 && v < s.in_w;
  }

  __device__ void operator()(std::int64_t result) const {
    const std::int64_t places = s.window.kernel_h * s.window.kernel_w;
    const std::int64_t group_in = s.in_c / s.groups;
    const std::int64_t group_out = s.out_c / s.groups;
    double sum = 0;
    if (pass == ConvPass::forward) {
      const std::int64_t o = result % s.out_c, ow = result / s.out_c % s.out_w;
      const std::int64_t oh = result / s.out_c / s.out_w % s.out_h, n = result / s.out_c / s.out_w / s.out_h;
      for (std::int64_t place = 0; place < places; ++place) {
        const std::int64_t h = row(oh, place), v = column(ow, place);
        for (std::int64_t i = 0; inside(h, v) && i < group_in; ++i) {
          sum += read(x, at_x(n, h, v, o / group_out * group_in + i)) * read(w, at_w(o, place, i));
        }
      }
      return write(y, result, sum);
    }
    if (pass == ConvPass::backward_data) {
      const std::int64_t c = result % s.in_c, v = result / s.in_c % s.in_w;
      const std::int64_t h = result / s.in_c / s.in_w % s.in_h, n = result / s.in_c / s.in_w / s.in_h;
      for (std::int64_t place = 0; place < places; ++place) {
        for (std::int64_t oh = 0; oh < s.out_h; ++oh) {
          for (std::int64_t ow = 0; ow < s.out_w && row(oh, place) == h; ++ow) {
            if (column(ow, place) != v) continue;
            for (std::int64_t o = c / group_in * group_out; o < (c / group_in + 1) * group_out; ++o) {
              sum += read(y, at_y(n, oh, ow, o)) * read(w, at_w(o, place, c % group_in));
            }
          }
        }
      }
      return write(x, result, sum);
    }
    const std::int64_t i = result % group_in, place = result / group_in % places, o = result / group_in / places;
    for (std::int64_t n = 0; n < s.batch; ++n) {
      for (std::int64_t oh = 0; oh < s.out_h; ++oh) {
        for (std::int64_t ow = 0; ow < s.out_w; ++ow) {
          const std::int64_t h = row(oh, place), v = column(ow, place);
          if (!inside(h, v)) continue;
          sum += read(x, at_x(n, h, v, o / group_out * group_in + i)) * read(y, at_y(n, oh, ow, o));
        }
      }
    }
    write(w, result, sum);
  }
};

template <class T>
struct LinearLayer {
  ConvPass pass;
  cuda::ConvolutionLibrary::Product p;
  void *x, *w, *y;

  __device__ void operator()(std::int64_t result) const {
    double sum = 0;
    const auto* at_x = static_cast<const T*>(x);
    const auto* at_w = static_cast<const T*>(w);
    const auto* at_y = static_cast<const T*>(y);
    if (pass == ConvPass::forward) {
      const std::int64_t row = result / p.out, o = result % p.out;
      for (int i = 0; i < p.in; ++i) sum += read(at_x, row * p.in_pitch + i) * read(at_w, o * p.in_pitch + i);
      write(static_cast<float*>(y), result, sum);
    } else if (pass == ConvPass::backward_data) {
      const std::int64_t row = result / p.in, i = result % p.in;
      for (int o = 0; o < p.out; ++o)
        sum += read(at_y, row * p.out_pitch + o) * read(at_w, std::int64_t{o} * p.in_pitch + i);
      write(static_cast<float*>(x), result, sum);
    } else {
      const std::int64_t o = result / p.in, i = result % p.in;
      for (std::int64_t row = 0; row < p.rows; ++row) {
        sum += read(at_x, row * p.in_pitch + i) * read(at_y, row * p.out_pitch + o);
      }
      write(static_cast<float*>(w), result, sum);
    }
  }
};

class Library final : public cuda::ConvolutionLibrary {
 public:
  explicit Library(cuda::Stream& stream) : stream_(stream) {}

  [[nodiscard]] std::string description() const override { return "fake library"; }
  [[nodiscard]] bool takes(ConvPass pass, const Conv2d& shape, Precision /*precision*/) override {
    return !fake_library().takes || fake_library().takes(pass, shape);
  }
  void convolve(ConvPass pass, const Conv2d& s, Precision precision, void* x, void* w, void* y) override {
    fake_library().calls.push_back({pass, precision, false, s});
    const std::int64_t results = pass == ConvPass::forward ? s.batch * s.out_h * s.out_w * s.out_c
                                 : pass == ConvPass::backward_data
                                     ? s.batch * s.in_h * s.in_w * s.in_c
                                     : s.out_c * s.window.kernel_h * s.window.kernel_w * (s.in_c / s.groups);
    const auto run = [&](auto* of_type) {
      using T = std::remove_pointer_t<decltype(of_type)>;
      cuda::each(stream_, "fake", results,
                 Convolution<T>{pass, s, static_cast<T*>(x), static_cast<T*>(w), static_cast<T*>(y)});
    };
    precision == Precision::bf16 ? run(static_cast<Bf16*>(nullptr)) : run(static_cast<float*>(nullptr));
  }
  void multiply(ConvPass pass, const Product& p, Precision precision, void* x, void* w, void* y) override {
    fake_library().calls.push_back({pass, precision, true, {}});
    const std::int64_t results = pass == ConvPass::forward         ? std::int64_t{p.rows} * p.out
                                 : pass == ConvPass::backward_data ? std::int64_t{p.rows} * p.in
                                                                   : std::int64_t{p.out} * p.in;
    if (precision == Precision::bf16) {
      cuda::each(stream_, "fake", results, LinearLayer<Bf16>{pass, p, x, w, y});
    } else {
      cuda::each(stream_, "fake", results, LinearLayer<float>{pass, p, x, w, y});
    }
  }

 private:
  cuda::Stream& stream_;
};

}  // namespace

FakeLibrary& fake_library() {
  static FakeLibrary library;
  return library;
}

}  // namespace scnn::test

namespace scnn::cuda {

std::unique_ptr<ConvolutionLibrary> make_convolution_library(Stream& stream) {
  if (test::fake_library().absent) throw Error(ErrorKind::device, libraries().unusable_because);
  return std::make_unique<test::Library>(stream);
}

CudaLibraries libraries() {
  if (test::fake_library().absent) return {"", "libcudnn.so was not found; install it"};
  return {"fake library", ""};
}

}  // namespace scnn::cuda
