#pragma once

#include "backend/cpu/winograd_products.h"
#include "backend/cpu/winograd_transforms.h"

/// Images to transformed tiles and back.  Compiled once for each processor, which includes this where its code may use
/// it.
namespace scnn::cpu {
namespace {

/// body(c, vector) for pieces of a pixel's channels, 8 or more; nothing beyond the pixel is touched.
template <class Wide, class Body>
[[gnu::always_inline]] inline void each_vector(std::int64_t channels, const Body& body) {
  std::int64_t c = 0;
  for (; c + Wide::width <= channels; c += Wide::width) body(c, Wide{});
  if (c < channels) Wide::rest(c, channels, body);
}

/// Where a tile's size x size pixels begin; those outside the image, at `outside`, which may be null.
template <int size, class Float>
struct Pixels {
  Float* at[size * size];

  Pixels(const TileGrid& g, Float* images, Float* outside, std::int64_t index) {
    const std::int64_t left = g.step * (index % g.columns) - g.pad_w;
    const std::int64_t top = g.step * (index / g.columns % g.rows) - g.pad_h;
    const std::int64_t row = (index / (g.columns * g.rows) * g.h + top) * g.w + left;
    for (int i = 0; i < size; ++i) {
      const bool in_rows = top + i >= 0 && top + i < g.h;
      for (int j = 0; j < size; ++j) {
        const bool inside = in_rows && left + j >= 0 && left + j < g.w;
        at[i * size + j] = inside ? images + (row + i * g.w + j) * g.channels : outside;
      }
    }
  }
};

template <class Wide, int outputs, int taps>
void gather_inputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                   const TilePoints& to) {
  constexpr int size = outputs + taps - 1;
  const float* outside = zeros(grid.channels);
  const std::int64_t plane = to.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Pixels<size, const float> d(grid, images, outside, first + t);
    float* out = to.data + t * to.row;
    each_vector<Wide>(
        grid.channels, [&, plane, out ](std::int64_t c, auto vector) __attribute__((always_inline)) {
          using V = typename decltype(vector)::V;
          V half[size][size];  // by column
          for (int j = 0; j < size; ++j) {
            V column[size];
            for (int i = 0; i < size; ++i) column[i] = vector.load(d.at[size * i + j] + c);
            Minimal<outputs, taps>::inputs(column, half[j]);
          }
          for (int i = 0; i < size; ++i) {
            V row[size];
            V points[size];
            for (int j = 0; j < size; ++j) row[j] = half[j][i];
            Minimal<outputs, taps>::inputs(row, points);
            for (int j = 0; j < size; ++j) vector.store(out + (size * i + j) * plane + c, points[j]);
          }
        });
  }
}

template <class Wide, int outputs, int taps>
void gather_outputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                    const TilePoints& to) {
  constexpr int size = outputs + taps - 1;
  const float* outside = zeros(grid.channels);
  const std::int64_t plane = to.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Pixels<outputs, const float> d(grid, images, outside, first + t);
    float* out = to.data + t * to.row;
    each_vector<Wide>(
        grid.channels, [&, plane, out ](std::int64_t c, auto vector) __attribute__((always_inline)) {
          using V = typename decltype(vector)::V;
          V half[outputs][size];  // by column
          for (int j = 0; j < outputs; ++j) {
            V column[outputs];
            for (int i = 0; i < outputs; ++i) column[i] = vector.load(d.at[outputs * i + j] + c);
            Minimal<outputs, taps>::outputs_adjoint(column, half[j]);
          }
          for (int i = 0; i < size; ++i) {
            V row[outputs];
            V points[size];
            for (int j = 0; j < outputs; ++j) row[j] = half[j][i];
            Minimal<outputs, taps>::outputs_adjoint(row, points);
            for (int j = 0; j < size; ++j) vector.store(out + (size * i + j) * plane + c, points[j]);
          }
        });
  }
}

template <class Wide, int outputs, int taps>
void scatter_outputs(const TileGrid& grid, const TilePoints& from, std::int64_t first, std::int64_t n,
                     const float* bias, float* images) {
  constexpr int size = outputs + taps - 1;
  const std::int64_t plane = from.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Pixels<outputs, float> pixels(grid, images, nullptr, first + t);
    const float* in = from.data + t * from.row;
    each_vector<Wide>(
        grid.channels, [&](std::int64_t c, auto vector) __attribute__((always_inline)) {
          using V = typename decltype(vector)::V;
          V half[outputs][size];
          for (int j = 0; j < size; ++j) {
            V column[size];
            V pixel[outputs];
            for (int i = 0; i < size; ++i) column[i] = vector.load(in + (size * i + j) * plane + c);
            Minimal<outputs, taps>::outputs(column, pixel);
            for (int i = 0; i < outputs; ++i) half[i][j] = pixel[i];
          }
          const V b = bias != nullptr ? vector.load(bias + c) : vector.set(0);
          for (int i = 0; i < outputs; ++i) {
            V pixel[outputs];
            Minimal<outputs, taps>::outputs(half[i], pixel);
            for (int j = 0; j < outputs; ++j) {
              float* const to = pixels.at[outputs * i + j];
              if (to != nullptr) vector.store(to + c, pixel[j] + b);
            }
          }
        });
  }
}

template <class Wide>
constexpr WinogradKernels kernels_of(const char* name) {
  return {.name = name,
          .block_floats = Wide::block_floats,
          .least_channels = Wide::least_channels,
          .multiply = Products<Wide>::multiply,
          .gather_inputs =
              [](TileShape shape, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                 const TilePoints& to) {
                with_constants(shape, [&](auto m, auto r) { gather_inputs<Wide, m, r>(grid, images, first, n, to); });
              },
          .gather_outputs =
              [](TileShape shape, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                 const TilePoints& to) {
                with_constants(shape, [&](auto m, auto r) { gather_outputs<Wide, m, r>(grid, images, first, n, to); });
              },
          .scatter_outputs =
              [](TileShape shape, const TileGrid& grid, const TilePoints& from, std::int64_t first, std::int64_t n,
                 const float* bias, float* images) {
                with_constants(
                    shape, [&](auto m, auto r) { scatter_outputs<Wide, m, r>(grid, from, first, n, bias, images); });
              }};
}

}  // namespace
}  // namespace scnn::cpu
