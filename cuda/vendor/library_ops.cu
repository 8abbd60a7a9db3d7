#include <limits>

#include "cuda/conv/bf16/bf16_passes.h"
#include "cuda/runtime/fast_divide.h"
#include "cuda/vendor/library_ops.h"

namespace scnn::cuda {
namespace {

int narrow(std::int64_t x) { return static_cast<int>(x); }

struct AddBias {
  FastDivide by_channels;
  const float* bias;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const int row = by_channels.quotient(static_cast<int>(i));
    y[i] += bias[static_cast<int>(i) - row * by_channels.divisor];
  }
};

/// to [rows, channels] = from [rows, pitch] without its padding.
struct WithoutPadding {
  FastDivide by_channels;
  int pitch;
  const Bf16* from;
  float* to;
  __device__ void operator()(std::int64_t i) const {
    const int row = by_channels.quotient(static_cast<int>(i));
    const int channel = static_cast<int>(i) - row * by_channels.divisor;
    to[i] = to_float(from[static_cast<std::int64_t>(row) * pitch + channel]);
  }
};

/// A tensor as rows of channels.
struct Matrix {
  std::int64_t rows, channels;
  std::int64_t library_rows;  ///< more than `rows` where the weights' output channels are padded

  [[nodiscard]] std::int64_t size() const { return rows * channels; }
};

Matrix images(std::int64_t batch, std::int64_t height, std::int64_t width, std::int64_t channels) {
  const std::int64_t rows = batch * height * width;
  return {rows, channels, rows};
}
Matrix x_of(const Conv2d& s) { return images(s.batch, s.in_h, s.in_w, s.in_c); }
Matrix y_of(const Conv2d& s) { return images(s.batch, s.out_h, s.out_w, s.out_c); }
Matrix w_of(const Conv2d& s) {
  const std::int64_t taps = s.window.kernel_h * s.window.kernel_w;
  return {s.out_c * taps, s.in_c / s.groups, library_shape(s, Precision::bf16).out_c * taps};
}

/// A tensor of Conv2d as rows that are padded to whole chunks where they are copied to bf16; one row where there are
/// groups, whose padding would come between the channels.
struct Rows {
  int count, channels;
  std::int64_t library_count;

  Rows(const Conv2d& shape, const Matrix& m)
      : count(narrow(shape.groups > 1 ? 1 : m.rows)),
        channels(narrow(shape.groups > 1 ? m.size() : m.channels)),
        library_count(shape.groups > 1 ? 1 : m.library_rows) {}
  [[nodiscard]] std::int64_t pitch() const { return padded_channels(channels); }
};

/// What the library reads: the float tensor itself, or a copy in bf16.
class Source {
 public:
  Source(const LibraryPath& path, const char* op, const Rows& rows, const float* values)
      : values_(values), copy_(path.stream, path.precision == Precision::bf16 ? rows.library_count * rows.pitch() : 0) {
    if (copy_.data() == nullptr) return;
    launch_activation_pass(path.stream, op, {values, nullptr, rows.count, rows.channels, copy_.data()});
    path.stream.zero(copy_.data() + rows.count * rows.pitch(),
                     static_cast<std::size_t>((rows.library_count - rows.count) * rows.pitch()) * sizeof(Bf16));
  }
  [[nodiscard]] void* data() const {
    if (copy_.data() != nullptr) return copy_.data();
    return const_cast<float*>(values_);
  }

 private:
  const float* values_;
  Scratch<Bf16> copy_;
};

/// One pass: `a` and `b` are read, in the order of x, w and y, and the third is written.
void run(const LibraryPath& path, const char* op, ConvPass pass, const Conv2d& shape, const float* a, const float* b,
         float* result) {
  const Rows x(shape, x_of(shape)), w(shape, w_of(shape)), y(shape, y_of(shape));
  const Rows& written = pass == ConvPass::forward ? y : pass == ConvPass::backward_data ? x : w;
  const Source first(path, op, pass == ConvPass::backward_data ? w : x, a);
  const Source second(path, op, pass == ConvPass::forward ? w : y, b);
  const auto in_order = [&](void* third, const auto& call) {
    path.stream.use();
    if (pass == ConvPass::forward) return call(first.data(), second.data(), third);
    if (pass == ConvPass::backward_data) return call(third, first.data(), second.data());
    return call(first.data(), third, second.data());
  };
  if (is_linear(shape)) {
    const Conv2d seen = library_shape(shape, path.precision);
    const ConvolutionLibrary::Product product{narrow(shape.batch), narrow(shape.in_c), narrow(shape.out_c),
                                              narrow(seen.in_c), narrow(seen.out_c)};
    return in_order(result, [&](void* at_x, void* at_w, void* at_y) {
      path.library.multiply(pass, product, path.precision, at_x, at_w, at_y);
    });
  }
  const bool bf16 = path.precision == Precision::bf16;
  const Scratch<Bf16> copy(path.stream, bf16 ? written.library_count * written.pitch() : 0);
  in_order(bf16 ? static_cast<void*>(copy.data()) : result, [&](void* at_x, void* at_w, void* at_y) {
    path.library.convolve(pass, library_shape(shape, path.precision), path.precision, at_x, at_w, at_y);
  });
  if (!bf16) return;
  each(path.stream, op, std::int64_t{written.count} * written.channels,
       WithoutPadding{FastDivide(written.channels), narrow(written.pitch()), copy.data(), result});
}

}  // namespace

Conv2d library_shape(const Conv2d& shape, Precision precision) {
  Conv2d padded = shape;
  if (precision != Precision::bf16 || shape.groups > 1) return padded;
  padded.in_c = padded_channels(narrow(shape.in_c));
  padded.out_c = padded_channels(narrow(shape.out_c));
  return padded;
}

bool is_linear(const Conv2d& s) {
  return s.window == Window{} && s.groups == 1 && s.in_h == 1 && s.in_w == 1 && s.out_h == 1 && s.out_w == 1;
}

bool library_takes(const LibraryPath& path, ConvPass pass, const Conv2d& shape) {
  const Conv2d asked = library_shape(shape, path.precision);
  for (const Matrix& m : {x_of(asked), w_of(asked), y_of(asked)}) {
    if (m.size() > std::numeric_limits<int>::max()) return false;
  }
  return is_linear(shape) || path.library.takes(pass, asked, path.precision);
}

void library_forward(const LibraryPath& path, const char* op, const Conv2d& shape, const float* x, const float* w,
                     const float* bias, float* y) {
  run(path, op, ConvPass::forward, shape, x, w, y);
  if (bias == nullptr) return;
  each(path.stream, op, y_of(shape).size(), AddBias{FastDivide(narrow(shape.out_c)), bias, y});
}

void library_backward_data(const LibraryPath& path, const char* op, const Conv2d& shape, const float* dy,
                           const float* w, float* dx) {
  run(path, op, ConvPass::backward_data, shape, w, dy, dx);
}

void library_backward_weights(const LibraryPath& path, const char* op, const Conv2d& shape, const float* x,
                              const float* dy, float* dw) {
  run(path, op, ConvPass::backward_weights, shape, x, dy, dw);
}

}  // namespace scnn::cuda
