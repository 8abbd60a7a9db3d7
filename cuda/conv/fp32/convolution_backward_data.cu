#include "cuda/conv/fp32/convolution.h"
#include "cuda/conv/fp32/gemm_sources.h"

namespace scnn::cuda {
namespace {

template <class T, int width>
void run(Stream& stream, const char* op, const Conv2d& s, const float* dy, const float* w, float* dx) {
  const int in = static_cast<int>(s.in_c / s.groups);
  const int out = static_cast<int>(s.out_c / s.groups);
  const int taps = static_cast<int>(s.window.kernel_h * s.window.kernel_w);
  const std::int64_t pixels = s.batch * s.in_h * s.in_w;
  const Patches<true> patches{vertical(s), horizontal(s), dy, pixels, static_cast<int>(s.out_c), out};
  gemm<T, RowLoader, ColumnLoader, width>(stream, op, patches, WeightColumns{w, taps, in, out},
                                          {dx, nullptr, s.in_c, in, 0, in % 4 == 0},
                                          {pixels, in, taps * out, static_cast<int>(s.groups), taps * out});
}

template <int width>
void choose_tile(Stream& stream, const char* op, const Conv2d& s, const float* dy, const float* w, float* dx) {
  const std::int64_t columns = s.in_c / s.groups;
  if (columns > 64) return run<Tile<128, 128, 8, 8>, width>(stream, op, s, dy, w, dx);
  if (columns > 32) return run<Tile<64, 64, 8, 4>, width>(stream, op, s, dy, w, dx);
  if (columns > 16) return run<Tile<128, 32, 8, 4>, width>(stream, op, s, dy, w, dx);
  run<Tile<64, 16, 4, 4>, width>(stream, op, s, dy, w, dx);
}

}  // namespace

void convolution_backward_data(Stream& stream, const char* op, const Conv2d& s, const float* dy, const float* w,
                               float* dx) {
  const bool vectors = s.in_c / s.groups % 4 == 0 && s.out_c / s.groups % 4 == 0;
  if (vectors) return choose_tile<4>(stream, op, s, dy, w, dx);
  choose_tile<1>(stream, op, s, dy, w, dx);
}

}  // namespace scnn::cuda
