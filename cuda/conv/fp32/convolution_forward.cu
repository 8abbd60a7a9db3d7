#include "cuda/conv/fp32/convolution.h"
#include "cuda/conv/fp32/gemm_sources.h"

namespace scnn::cuda {
namespace {

template <class T, int width>
void run(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* w, const float* bias, float* y) {
  const int in = static_cast<int>(s.in_c / s.groups);
  const int out = static_cast<int>(s.out_c / s.groups);
  const int steps = static_cast<int>(s.window.kernel_h * s.window.kernel_w) * in;
  const std::int64_t pixels = s.batch * s.out_h * s.out_w;
  const Patches<false> patches{vertical(s), horizontal(s), x, pixels, static_cast<int>(s.in_c), in};
  const bool vectors = s.out_c % 4 == 0 && out % 4 == 0;
  gemm<T, RowLoader, RowLoader, width>(stream, op, patches, WeightRows{w, out, steps},
                                       {y, bias, s.out_c, out, 0, vectors},
                                       {pixels, out, steps, static_cast<int>(s.groups), steps});
}

template <int width>
void choose_tile(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* w, const float* bias,
                 float* y) {
  const std::int64_t columns = s.out_c / s.groups;
  if (columns > 64) return run<Tile<128, 128, 8, 8>, width>(stream, op, s, x, w, bias, y);
  if (columns > 32) return run<Tile<64, 64, 8, 4>, width>(stream, op, s, x, w, bias, y);
  if (columns > 16) return run<Tile<128, 32, 8, 4>, width>(stream, op, s, x, w, bias, y);
  run<Tile<64, 16, 4, 4>, width>(stream, op, s, x, w, bias, y);
}

}  // namespace

void convolution_forward(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* w,
                         const float* bias, float* y) {
  if (s.in_c / s.groups % 4 == 0) return choose_tile<4>(stream, op, s, x, w, bias, y);
  choose_tile<1>(stream, op, s, x, w, bias, y);
}

}  // namespace scnn::cuda
