#include "backend/cpu/winograd.h"

#include <algorithm>

#include "backend/cpu/winograd_kernels.h"
#include "backend/cpu/winograd_transforms.h"
#include "core/host_memory.h"

namespace scnn::cpu {
namespace {

/// u = G g G^T: a filter of taps x taps as points.
template <int outputs, int taps>
void filter_points(const float (&g)[taps * taps], float (&u)[TileShape{outputs, taps}.points()]) {
  constexpr int size = outputs + taps - 1;
  in_two_dimensions<taps, size, float>([&](int i, int j) { return g[taps * i + j]; }, Minimal<outputs, taps>::filter,
                                       [&](int i, int j, float point) { u[size * i + j] = point; });
}

/// g = G^T u G, the adjoint of filter_points.
template <int outputs, int taps>
void filter_from_points(const float (&u)[TileShape{outputs, taps}.points()], float (&g)[taps * taps]) {
  constexpr int size = outputs + taps - 1;
  in_two_dimensions<size, taps, float>([&](int i, int j) { return u[size * i + j]; },
                                       Minimal<outputs, taps>::filter_adjoint,
                                       [&](int i, int j, float tap) { g[taps * i + j] = tap; });
}

TileGrid grid_of(std::int64_t h, std::int64_t w, std::int64_t channels, TileShape tile) {
  const std::int64_t step = tile.outputs;
  return {.h = h,
          .w = w,
          .channels = channels,
          .rows = (h + step - 1) / step,
          .columns = (w + step - 1) / step,
          .pad_h = 0,
          .pad_w = 0,
          .step = step};
}

/// Products that an h x w output takes at each pair of channels.
std::int64_t products(std::int64_t h, std::int64_t w, TileShape tile) {
  const TileGrid grid = grid_of(h, w, 1, tile);
  return grid.rows * grid.columns * tile.points();
}

/// The tiles that an h x w output is cut into: large ones, unless too much of them would lie outside.
TileShape tile_of(const Conv2d& s, std::int64_t h, std::int64_t w) {
  if (s.window.kernel_h == 5) return {4, 5};
  constexpr TileShape small{2, 3}, large{4, 3};
  return products(h, w, large) < products(h, w, small) ? large : small;
}

/// What is read to make the tiles of `out` from images of h x w.
TileGrid inputs_of(const TileGrid& out, std::int64_t h, std::int64_t w, std::int64_t channels, std::int64_t pad_h,
                   std::int64_t pad_w) {
  return {.h = h,
          .w = w,
          .channels = channels,
          .rows = out.rows,
          .columns = out.columns,
          .pad_h = pad_h,
          .pad_w = pad_w,
          .step = out.step};
}

/// Tiles treated at a time: their transformed inputs and outputs stay in the second cache together, up to some 90
/// channels of 64 points on both sides; fewer than 12 would make products of too few rows.
std::int64_t block_of(std::int64_t points, std::int64_t in, std::int64_t out) {
  return std::clamp<std::int64_t>(winograd_kernels()->block_floats / (points * (padded(in) + padded(out))), 12, 96);
}

/// Distance of a block's points in memory.  A cache line more than they need: at a distance of a power of two the
/// points of a tile would fall into the same few places of the first cache.
std::int64_t plane_of(std::int64_t block, std::int64_t row) { return block * row + 2 * lanes; }

/// Memory of this thread for the transformed tiles of a block, on both sides of the product; valid until the next.
struct Scratch {
  TilePoints v, m;

  Scratch(std::int64_t points, std::int64_t block, std::int64_t in_row, std::int64_t out_row) {
    thread_local HostMemory memory;
    const std::int64_t in_plane = plane_of(block, in_row);
    const std::int64_t out_plane = plane_of(block, out_row);
    constexpr auto least = static_cast<std::int64_t>(HostMemory::large_page / sizeof(float));
    float* const data = memory.floats(std::max(points * (in_plane + out_plane), least));
    v = {data, in_plane, in_row};
    m = {data + points * in_plane, out_plane, out_row};
  }
};

/// y = tiles of x times transformed weights [points][in][padded(out)].
void convolve(const Workers& workers, TileShape tile, std::int64_t batch, const TileGrid& in, const TileGrid& out,
              const float* x, const float* weights, const float* bias, float* y) {
  const WinogradKernels& kernels = *winograd_kernels();
  const std::int64_t points = tile.points();
  const std::int64_t tiles = batch * in.rows * in.columns;
  const std::int64_t block = block_of(points, in.channels, out.channels);
  const std::int64_t in_row = padded(in.channels);
  const std::int64_t out_row = padded(out.channels);
  workers.ranges(tiles, block, tiles * points * (in_row + out_row), [&](std::int64_t begin, std::int64_t end) {
    const Scratch scratch(points, block, in_row, out_row);
    const TilePoints& v = scratch.v;
    const TilePoints& m = scratch.m;
    kernels.gather_inputs(tile, in, x, begin, end - begin, v);
    for (std::int64_t p = 0; p < points; ++p) {
      const Product product{.a = v.data + p * v.plane,
                            .a_row = in_row,
                            .a_inner = 1,
                            .b = weights + p * in.channels * out_row,
                            .b_inner = out_row,
                            .c = m.data + p * m.plane,
                            .c_row = out_row,
                            .inner = in.channels};
      kernels.multiply(product, end - begin, out_row, false);
    }
    kernels.scatter_outputs(tile, out, m, begin, end - begin, bias, y);
  });
}

}  // namespace

bool Winograd::takes(const Conv2d& s) {
  const Window& w = s.window;
  const bool filter = w.kernel_h == w.kernel_w && (w.kernel_h == 3 || w.kernel_h == 5);
  const bool steps = w.stride_h == 1 && w.stride_w == 1 && w.dilation_h == 1 && w.dilation_w == 1 && s.groups == 1;
  if (!filter || !steps || winograd_kernels() == nullptr) return false;
  // Transforms cost as much as they save where there are few channels to sum over.
  const std::int64_t least = winograd_kernels()->least_channels;
  if (w.pad_h >= w.kernel_h || w.pad_w >= w.kernel_w || s.in_c < least || s.out_c < least) return false;
  // Nor where tiles lie outside the output for the most part: half as many products, with what the transforms cost.
  const std::int64_t direct = s.out_h * s.out_w * w.kernel_h * w.kernel_w;
  const TileShape tile = tile_of(s, s.out_h, s.out_w);
  if (2 * products(s.out_h, s.out_w, tile) > direct) return false;
  if (2 * products(s.in_h, s.in_w, tile_of(s, s.in_h, s.in_w)) > direct) return false;
  // Nor where there are so many that a batch has few tiles for each of its filters to be transformed.  An image's own
  // tiles are counted, so that its result does not depend on the batch.
  constexpr std::int64_t filters_per_tile = 8192;
  const TileGrid tiles = grid_of(s.out_h, s.out_w, s.out_c, tile);
  return s.in_c * s.out_c <= tiles.rows * tiles.columns * filters_per_tile;
}

template <int outputs, int taps>
const float* Winograd::transformed(const Conv2d& s, const float* w, bool turned) {
  constexpr std::int64_t points = TileShape{outputs, taps}.points();
  constexpr int area = taps * taps;
  const std::int64_t row = padded(turned ? s.in_c : s.out_c);
  const std::int64_t from = turned ? s.out_c : s.in_c;
  float* const all = weights_.floats(points * from * row);
  std::fill_n(all, points * from * row, 0.0F);
  workers_.each(s.out_c, points * s.in_c * s.out_c, [&](std::int64_t o) {
    for (std::int64_t i = 0; i < s.in_c; ++i) {
      float g[area];
      float u[points];
      for (int k = 0; k < area; ++k) g[k] = w[(area * o + (turned ? area - 1 - k : k)) * s.in_c + i];
      filter_points<outputs, taps>(g, u);
      float* to = all + (turned ? o * row + i : i * row + o);
      for (std::int64_t p = 0; p < points; ++p) to[p * from * row] = u[p];
    }
  });
  return all;
}

void Winograd::forward(const Conv2d& s, const float* x, const float* w, const float* bias, float* y) {
  const TileShape tile = tile_of(s, s.out_h, s.out_w);
  const float* filters = nullptr;
  with_constants(tile, [&](auto outputs, auto taps) { filters = transformed<outputs, taps>(s, w, false); });
  const TileGrid out = grid_of(s.out_h, s.out_w, s.out_c, tile);
  const TileGrid in = inputs_of(out, s.in_h, s.in_w, s.in_c, s.window.pad_h, s.window.pad_w);
  convolve(workers_, tile, s.batch, in, out, x, filters, bias, y);
}

void Winograd::backward_data(const Conv2d& s, const float* dy, const float* w, float* dx) {
  // dx is the convolution of dy with the filters turned by half a circle.
  const TileShape tile = tile_of(s, s.in_h, s.in_w);
  const float* filters = nullptr;
  with_constants(tile, [&](auto outputs, auto taps) { filters = transformed<outputs, taps>(s, w, true); });
  const std::int64_t last = tile.taps - 1;
  const TileGrid out = grid_of(s.in_h, s.in_w, s.in_c, tile);
  const TileGrid in = inputs_of(out, s.out_h, s.out_w, s.out_c, last - s.window.pad_h, last - s.window.pad_w);
  convolve(workers_, tile, s.batch, in, out, dy, filters, nullptr, dx);
}

void Winograd::backward_weights(const Conv2d& s, const float* x, const float* dy, float* dw) {
  with_constants(tile_of(s, s.out_h, s.out_w),
                 [&](auto outputs, auto taps) { weight_gradient<outputs, taps>(s, x, dy, dw); });
}

template <int outputs, int taps>
void Winograd::weight_gradient(const Conv2d& s, const float* x, const float* dy, float* dw) {
  constexpr TileShape tile{outputs, taps};
  constexpr std::int64_t points = tile.points();
  constexpr int area = taps * taps;
  const WinogradKernels& kernels = *winograd_kernels();
  const TileGrid out = grid_of(s.out_h, s.out_w, s.out_c, tile);
  const TileGrid in = inputs_of(out, s.in_h, s.in_w, s.in_c, s.window.pad_h, s.window.pad_w);
  const std::int64_t in_row = padded(s.in_c);
  const std::int64_t out_row = padded(s.out_c);
  const std::int64_t tiles = s.batch * out.rows * out.columns;
  const std::int64_t block = block_of(points, s.in_c, s.out_c);
  const std::int64_t size = points * s.in_c * out_row;
  // Partial sums: a number that depends on the shape alone, so that results do not depend on the threads.
  const std::int64_t blocks = (tiles + block - 1) / block;
  const std::int64_t sums = std::min(blocks, std::clamp<std::int64_t>((std::int64_t{1} << 20) / size, 4, 32));
  float* const all = weights_.floats(sums * size);
  workers_.each(sums, tiles * points * (in_row + out_row), [&](std::int64_t k) {
    const Scratch scratch(points, block, in_row, out_row);
    const TilePoints& v = scratch.v;
    const TilePoints& m = scratch.m;
    float* sum = all + k * size;
    const std::int64_t first = k * blocks / sums * block;
    const std::int64_t last = std::min(tiles, (k + 1) * blocks / sums * block);
    for (std::int64_t begin = first; begin < last; begin += block) {
      const std::int64_t n = std::min(block, last - begin);
      kernels.gather_inputs(tile, in, x, begin, n, v);
      kernels.gather_outputs(tile, out, dy, begin, n, m);
      for (std::int64_t p = 0; p < points; ++p) {
        const Product product{.a = v.data + p * v.plane,
                              .a_row = 1,
                              .a_inner = in_row,
                              .b = m.data + p * m.plane,
                              .b_inner = out_row,
                              .c = sum + p * s.in_c * out_row,
                              .c_row = out_row,
                              .inner = n};
        kernels.multiply(product, s.in_c, out_row, begin > first);
      }
    }
  });
  workers_.each(s.in_c, size * sums, [&](std::int64_t i) {
    for (std::int64_t p = 0; p < points; ++p) {
      float* total = all + (p * s.in_c + i) * out_row;
      for (std::int64_t k = 1; k < sums; ++k) {
        for (std::int64_t o = 0; o < out_row; ++o) total[o] += total[k * size + o];
      }
    }
    for (std::int64_t o = 0; o < s.out_c; ++o) {
      float u[points];
      float g[area];
      for (std::int64_t p = 0; p < points; ++p) u[p] = all[(p * s.in_c + i) * out_row + o];
      filter_from_points<outputs, taps>(u, g);
      for (int k = 0; k < area; ++k) dw[(area * o + k) * s.in_c + i] = g[k];
    }
  });
}

}  // namespace scnn::cpu
