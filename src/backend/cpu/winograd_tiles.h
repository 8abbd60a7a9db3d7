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

/// What `map` makes of pixels x pixels of each tile, as its points.
template <class Wide, int pixels, int size, class Map>
[[gnu::always_inline]] inline void gather(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                                          const TilePoints& to, const Map& map) {
  const float* outside = zeros(grid.channels);
  const std::int64_t plane = to.plane;
  for (std::int64_t t = 0; t < n; ++t) {
    const Pixels<pixels, const float> d(grid, images, outside, first + t);
    float* out = to.data + t * to.row;
    each_vector<Wide>(
        grid.channels, [&, plane, out ](std::int64_t c, auto vector) __attribute__((always_inline)) {
          using V = typename decltype(vector)::V;
          in_two_dimensions<pixels, size, V>(
              [&](int i, int j) __attribute__((always_inline)) { return vector.load(d.at[pixels * i + j] + c); }, map,
              [&](int i, int j, V point)
                  __attribute__((always_inline)) { vector.store(out + (size * i + j) * plane + c, point); });
        });
  }
}

template <class Wide, int outputs, int taps>
void gather_inputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                   const TilePoints& to) {
  constexpr int size = outputs + taps - 1;
  gather<Wide, size, size>(
      grid, images, first, n, to,
      [](const auto& a, auto& b) __attribute__((always_inline)) { Minimal<outputs, taps>::inputs(a, b); });
}

template <class Wide, int outputs, int taps>
void gather_outputs(const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                    const TilePoints& to) {
  gather<Wide, outputs, outputs + taps - 1>(
      grid, images, first, n, to,
      [](const auto& a, auto& b) __attribute__((always_inline)) { Minimal<outputs, taps>::outputs_adjoint(a, b); });
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
          const V shift = bias != nullptr ? vector.load(bias + c) : vector.set(0);
          in_two_dimensions<size, outputs, V>(
              [&](int i, int j) __attribute__((always_inline)) { return vector.load(in + (size * i + j) * plane + c); },
              [](const auto& a, auto& b) __attribute__((always_inline)) { Minimal<outputs, taps>::outputs(a, b); },
              [&](int i, int j, V pixel) __attribute__((always_inline)) {
                float* const to = pixels.at[outputs * i + j];
                if (to != nullptr) vector.store(to + c, pixel + shift);
              });
        });
  }
}

template <class Wide>
constexpr WinogradKernels kernels_of() {
  return {.block_floats = Wide::block_floats,
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
