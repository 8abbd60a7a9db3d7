#include "backend/cpu/winograd_tiles.h"

#include <vector>

#include "backend/cpu/microkernel.h"
#include "scnn/core/error.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

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

}  // namespace

void winograd_gather_inputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                            const TilePoints& to) {
  const float* zeros = zeros_of(grid.channels);
  const std::int64_t plane = to.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Sources<4> d(grid, images, zeros, first + t);
    float* out = to.data + t * to.row;
    each_vector(grid.channels, [&, plane, out](std::int64_t c) {
      __m256 half[4][4];
      for (int j = 0; j < 4; ++j) {
        const __m256 d0 = _mm256_loadu_ps(d.at[j] + c);
        const __m256 d1 = _mm256_loadu_ps(d.at[4 + j] + c);
        const __m256 d2 = _mm256_loadu_ps(d.at[8 + j] + c);
        const __m256 d3 = _mm256_loadu_ps(d.at[12 + j] + c);
        half[0][j] = _mm256_sub_ps(d0, d2);
        half[1][j] = _mm256_add_ps(d1, d2);
        half[2][j] = _mm256_sub_ps(d2, d1);
        half[3][j] = _mm256_sub_ps(d1, d3);
      }
      for (int i = 0; i < 4; ++i) {
        float* line = out + 4 * i * plane + c;
        _mm256_storeu_ps(line, _mm256_sub_ps(half[i][0], half[i][2]));
        _mm256_storeu_ps(line + plane, _mm256_add_ps(half[i][1], half[i][2]));
        _mm256_storeu_ps(line + 2 * plane, _mm256_sub_ps(half[i][2], half[i][1]));
        _mm256_storeu_ps(line + 3 * plane, _mm256_sub_ps(half[i][1], half[i][3]));
      }
    });
  }
}

void winograd_gather_outputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                             const TilePoints& to) {
  const __m256 zero = _mm256_setzero_ps();
  const float* zeros = zeros_of(grid.channels);
  const std::int64_t plane = to.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Sources<2> d(grid, images, zeros, first + t);
    float* out = to.data + t * to.row;
    each_vector(grid.channels, [&, plane, out](std::int64_t c) {
      __m256 half[4][2];
      for (int j = 0; j < 2; ++j) {
        const __m256 d0 = _mm256_loadu_ps(d.at[j] + c);
        const __m256 d1 = _mm256_loadu_ps(d.at[2 + j] + c);
        half[0][j] = d0;
        half[1][j] = _mm256_add_ps(d0, d1);
        half[2][j] = _mm256_sub_ps(d0, d1);
        half[3][j] = _mm256_sub_ps(zero, d1);
      }
      for (int i = 0; i < 4; ++i) {
        float* line = out + 4 * i * plane + c;
        _mm256_storeu_ps(line, half[i][0]);
        _mm256_storeu_ps(line + plane, _mm256_add_ps(half[i][0], half[i][1]));
        _mm256_storeu_ps(line + 2 * plane, _mm256_sub_ps(half[i][0], half[i][1]));
        _mm256_storeu_ps(line + 3 * plane, _mm256_sub_ps(zero, half[i][1]));
      }
    });
  }
}

void winograd_scatter_outputs(const TileGrid& grid, const TilePoints& from, std::int64_t first, std::int64_t n,
                              const float* bias, float* images) {
  const std::int64_t plane = from.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Pixels<2> pixels(grid, first + t);
    const float* in = from.data + t * from.row;
    each_vector(grid.channels, [&](std::int64_t c) {
      __m256 half[2][4];
      for (int j = 0; j < 4; ++j) {
        const float* column = in + j * plane + c;
        const __m256 m0 = _mm256_loadu_ps(column);
        const __m256 m1 = _mm256_loadu_ps(column + 4 * plane);
        const __m256 m2 = _mm256_loadu_ps(column + 8 * plane);
        const __m256 m3 = _mm256_loadu_ps(column + 12 * plane);
        half[0][j] = _mm256_add_ps(m0, _mm256_add_ps(m1, m2));
        half[1][j] = _mm256_sub_ps(_mm256_sub_ps(m1, m2), m3);
      }
      const __m256 b = bias != nullptr ? _mm256_loadu_ps(bias + c) : _mm256_setzero_ps();
      for (int i = 0; i < 2; ++i) {
        const __m256 left = _mm256_add_ps(half[i][0], _mm256_add_ps(half[i][1], half[i][2]));
        const __m256 right = _mm256_sub_ps(_mm256_sub_ps(half[i][1], half[i][2]), half[i][3]);
        if (pixels.at[2 * i] >= 0) _mm256_storeu_ps(images + pixels.at[2 * i] + c, _mm256_add_ps(left, b));
        if (pixels.at[2 * i + 1] >= 0) _mm256_storeu_ps(images + pixels.at[2 * i + 1] + c, _mm256_add_ps(right, b));
      }
    });
  }
}

}  // namespace scnn::cpu

#pragma GCC pop_options

#else

namespace scnn::cpu {

void winograd_gather_inputs(const TileGrid&, const float*, std::int64_t, std::int64_t, const TilePoints&) {
  throw Error(ErrorKind::bug, "winograd: not on this processor");
}
void winograd_gather_outputs(const TileGrid&, const float*, std::int64_t, std::int64_t, const TilePoints&) {
  throw Error(ErrorKind::bug, "winograd: not on this processor");
}
void winograd_scatter_outputs(const TileGrid&, const TilePoints&, std::int64_t, std::int64_t, const float*, float*) {
  throw Error(ErrorKind::bug, "winograd: not on this processor");
}

}  // namespace scnn::cpu

#endif
