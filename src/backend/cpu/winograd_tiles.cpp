#include "backend/cpu/winograd_tiles.h"

#include <vector>

#include "backend/cpu/microkernel.h"
#include "scnn/core/error.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

#include "backend/cpu/winograd_transforms.h"

namespace scnn::cpu {
namespace {

/// body(c) for each vector of a pixel's channels.  The last one ends with the last channel and may overlap the one
/// before it, which then computes the same again: no masks, and nothing beyond the pixel is touched.
template <class Body>
inline void each_vector(std::int64_t channels, const Body& body) {
  for (std::int64_t c = 0; c + lanes < channels; c += lanes) body(c);
  body(channels - lanes);
}

/// Offsets of a tile's size x size pixels from the first image, -1 outside.
template <int size>
struct Pixels {
  std::int64_t at[size * size];

  Pixels(const TileGrid& g, std::int64_t index) {
    const std::int64_t left = 2 * (index % g.columns) - g.pad_w;
    const std::int64_t top = 2 * (index / g.columns % g.rows) - g.pad_h;
    const std::int64_t image = index / (g.columns * g.rows) * g.h;
    for (int i = 0; i < size; ++i) {
      for (int j = 0; j < size; ++j) {
        const bool inside = top + i >= 0 && top + i < g.h && left + j >= 0 && left + j < g.w;
        at[i * size + j] = inside ? ((image + top + i) * g.w + left + j) * g.channels : -1;
      }
    }
  }
};

/// The same as pointers; pixels outside the image point to zeros, so that loops over channels have no branches.
template <int size>
struct Sources {
  const float* at[size * size];

  Sources(const TileGrid& g, const float* images, const float* zeros, std::int64_t index) {
    const Pixels<size> pixels(g, index);
    for (int k = 0; k < size * size; ++k) at[k] = pixels.at[k] < 0 ? zeros : images + pixels.at[k];
  }
};

/// At least `channels` zeros.
const float* zeros_of(std::int64_t channels) {
  thread_local std::vector<float> zeros;
  if (zeros.size() < static_cast<std::size_t>(channels)) zeros.assign(static_cast<std::size_t>(channels), 0.0F);
  return zeros.data();
}

template <int taps>
void gather_inputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                   const TilePoints& to) {
  constexpr int size = taps + 1;
  const float* zeros = zeros_of(grid.channels);
  const std::int64_t plane = to.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Sources<size> d(grid, images, zeros, first + t);
    float* out = to.data + t * to.row;
    each_vector(grid.channels, [&, plane, out](std::int64_t c) {
      __m256 half[size][size];  // by column
      for (int j = 0; j < size; ++j) {
        __m256 column[size];
        for (int i = 0; i < size; ++i) column[i] = _mm256_loadu_ps(d.at[size * i + j] + c);
        Minimal<taps>::inputs(column, half[j]);
      }
      for (int i = 0; i < size; ++i) {
        __m256 row[size];
        __m256 points[size];
        for (int j = 0; j < size; ++j) row[j] = half[j][i];
        Minimal<taps>::inputs(row, points);
        for (int j = 0; j < size; ++j) _mm256_storeu_ps(out + (size * i + j) * plane + c, points[j]);
      }
    });
  }
}

template <int taps>
void gather_outputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                    const TilePoints& to) {
  constexpr int size = taps + 1;
  const float* zeros = zeros_of(grid.channels);
  const std::int64_t plane = to.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Sources<2> d(grid, images, zeros, first + t);
    float* out = to.data + t * to.row;
    each_vector(grid.channels, [&, plane, out](std::int64_t c) {
      __m256 half[2][size];  // by column
      for (int j = 0; j < 2; ++j) {
        const __m256 column[2] = {_mm256_loadu_ps(d.at[j] + c), _mm256_loadu_ps(d.at[2 + j] + c)};
        Minimal<taps>::outputs_adjoint(column, half[j]);
      }
      for (int i = 0; i < size; ++i) {
        const __m256 row[2] = {half[0][i], half[1][i]};
        __m256 points[size];
        Minimal<taps>::outputs_adjoint(row, points);
        for (int j = 0; j < size; ++j) _mm256_storeu_ps(out + (size * i + j) * plane + c, points[j]);
      }
    });
  }
}

template <int taps>
void scatter_outputs(const TileGrid& grid, const TilePoints& from, std::int64_t first, std::int64_t n,
                     const float* bias, float* images) {
  constexpr int size = taps + 1;
  const std::int64_t plane = from.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Pixels<2> pixels(grid, first + t);
    const float* in = from.data + t * from.row;
    each_vector(grid.channels, [&](std::int64_t c) {
      __m256 half[2][size];
      for (int j = 0; j < size; ++j) {
        __m256 column[size];
        __m256 pair[2];
        for (int i = 0; i < size; ++i) column[i] = _mm256_loadu_ps(in + (size * i + j) * plane + c);
        Minimal<taps>::outputs(column, pair);
        half[0][j] = pair[0];
        half[1][j] = pair[1];
      }
      const __m256 b = bias != nullptr ? _mm256_loadu_ps(bias + c) : _mm256_setzero_ps();
      for (int i = 0; i < 2; ++i) {
        __m256 pair[2];
        Minimal<taps>::outputs(half[i], pair);
        if (pixels.at[2 * i] >= 0) _mm256_storeu_ps(images + pixels.at[2 * i] + c, pair[0] + b);
        if (pixels.at[2 * i + 1] >= 0) _mm256_storeu_ps(images + pixels.at[2 * i + 1] + c, pair[1] + b);
      }
    });
  }
}

}  // namespace

void winograd_gather_inputs(int taps, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                            const TilePoints& to) {
  (taps == 3 ? gather_inputs<3> : gather_inputs<5>)(grid, images, first, n, to);
}
void winograd_gather_outputs(int taps, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                             const TilePoints& to) {
  (taps == 3 ? gather_outputs<3> : gather_outputs<5>)(grid, images, first, n, to);
}
void winograd_scatter_outputs(int taps, const TileGrid& grid, const TilePoints& from, std::int64_t first,
                              std::int64_t n, const float* bias, float* images) {
  (taps == 3 ? scatter_outputs<3> : scatter_outputs<5>)(grid, from, first, n, bias, images);
}

}  // namespace scnn::cpu

#pragma GCC pop_options

#else

namespace scnn::cpu {

void winograd_gather_inputs(int, const TileGrid&, const float*, std::int64_t, std::int64_t, const TilePoints&) {
  throw Error(ErrorKind::bug, "winograd: not on this processor");
}
void winograd_gather_outputs(int, const TileGrid&, const float*, std::int64_t, std::int64_t, const TilePoints&) {
  throw Error(ErrorKind::bug, "winograd: not on this processor");
}
void winograd_scatter_outputs(int, const TileGrid&, const TilePoints&, std::int64_t, std::int64_t, const float*,
                              float*) {
  throw Error(ErrorKind::bug, "winograd: not on this processor");
}

}  // namespace scnn::cpu

#endif
