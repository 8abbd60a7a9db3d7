#include "cuda/conv/fp32/convolution.h"
#include "cuda/conv/fp32/gemm_sources.h"
#include "cuda/tuning.h"

namespace scnn::cuda {
namespace {

/// Slices of k, so that about kBlocksAtOnce blocks have work of at least 256 steps.
int slice_of(std::int64_t tiles, std::int64_t steps) {
  std::int64_t slices = (kBlocksAtOnce + tiles - 1) / tiles;
  if (slices > steps / 256) slices = steps / 256;
  if (slices < 1) slices = 1;
  const std::int64_t slice = (steps + slices - 1) / slices;
  return static_cast<int>((slice + gemm_depth - 1) / gemm_depth * gemm_depth);
}

template <class T, int width>
void run(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* dy, PartialSums& sums,
         float* dw) {
  const int in = static_cast<int>(s.in_c / s.groups);
  const int out = static_cast<int>(s.out_c / s.groups);
  const int columns = static_cast<int>(s.window.kernel_h * s.window.kernel_w) * in;
  const auto pixels = static_cast<int>(s.batch * s.out_h * s.out_w);
  const std::int64_t size = s.out_c * columns;
  const std::int64_t tiles = static_cast<std::int64_t>(blocks_for(out, T::rows)) * blocks_for(columns, T::columns);
  const int slice = slice_of(tiles * s.groups, pixels);
  const int slices = (pixels + slice - 1) / slice;
  const PixelColumns gradients{dy, static_cast<int>(s.out_c), out};
  const PatchColumns patches{vertical(s), horizontal(s), x, static_cast<int>(s.in_c), in};
  const auto multiply = [&](float* to) {
    gemm<T, ColumnLoader, ColumnLoader, width>(
        stream, op, gradients, patches,
        {to, nullptr, columns, static_cast<std::int64_t>(out) * columns, size, columns % 4 == 0},
        {out, columns, pixels, static_cast<int>(s.groups), slice});
  };
  PartialSums::Room partial(sums, op, dw, slices, size);
  multiply(partial.data());
  partial.written();
}

template <int width>
void choose_tile(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* dy, PartialSums& sums,
                 float* dw) {
  const std::int64_t rows = s.out_c / s.groups;
  if (rows > 64) return run<Tile<128, 128, 8, 8>, width>(stream, op, s, x, dy, sums, dw);
  if (rows > 32) return run<Tile<64, 64, 8, 4>, width>(stream, op, s, x, dy, sums, dw);
  if (rows > 16) return run<Tile<32, 128, 4, 8>, width>(stream, op, s, x, dy, sums, dw);
  run<Tile<16, 64, 4, 4>, width>(stream, op, s, x, dy, sums, dw);
}

struct SumSlices {
  const float* partial;
  int slices;
  std::int64_t n;
  float* out;

  __device__ void operator()(std::int64_t i) const {
    float sum = 0;
    for (int s = 0; s < slices; ++s) sum += partial[s * n + i];
    out[i] = sum;
  }
};

}  // namespace

void sum_slices(Stream& stream, const char* op, const float* partial, int slices, std::int64_t n, float* out) {
  each(stream, op, n, SumSlices{partial, slices, n, out});
}

void convolution_backward_weights(Stream& stream, const char* op, const Conv2d& s, const float* x, const float* dy,
                                  PartialSums& sums, float* dw) {
  const bool vectors = s.in_c / s.groups % 4 == 0 && s.out_c / s.groups % 4 == 0;
  if (vectors) return choose_tile<4>(stream, op, s, x, dy, sums, dw);
  choose_tile<1>(stream, op, s, x, dy, sums, dw);
}

}  // namespace scnn::cuda
