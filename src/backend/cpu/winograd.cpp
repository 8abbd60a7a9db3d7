#include "backend/cpu/winograd.h"

#include <algorithm>

#include "backend/cpu/microkernel.h"
#include "backend/cpu/winograd_tiles.h"
#include "backend/cpu/winograd_transforms.h"

namespace scnn::cpu {
namespace {

/// u = G g G^T: a filter of taps x taps as (taps + 1) x (taps + 1) points.
template <int taps>
void filter_points(const float (&g)[taps * taps], float (&u)[winograd_points(taps)]) {
  constexpr int size = taps + 1;
  float half[taps][size];  // by column
  for (int j = 0; j < taps; ++j) {
    float column[taps];
    for (int i = 0; i < taps; ++i) column[i] = g[taps * i + j];
    Minimal<taps>::filter(column, half[j]);
  }
  for (int i = 0; i < size; ++i) {
    float row[taps];
    float points[size];
    for (int j = 0; j < taps; ++j) row[j] = half[j][i];
    Minimal<taps>::filter(row, points);
    for (int j = 0; j < size; ++j) u[size * i + j] = points[j];
  }
}

/// g = G^T u G, the adjoint of filter_points.
template <int taps>
void filter_from_points(const float (&u)[winograd_points(taps)], float (&g)[taps * taps]) {
  constexpr int size = taps + 1;
  float half[size][taps];  // by column
  for (int j = 0; j < size; ++j) {
    float column[size];
    for (int i = 0; i < size; ++i) column[i] = u[size * i + j];
    Minimal<taps>::filter_adjoint(column, half[j]);
  }
  for (int i = 0; i < taps; ++i) {
    float row[size];
    float filter[taps];
    for (int j = 0; j < size; ++j) row[j] = half[j][i];
    Minimal<taps>::filter_adjoint(row, filter);
    for (int j = 0; j < taps; ++j) g[taps * i + j] = filter[j];
  }
}

int taps_of(const Conv2d& shape) { return static_cast<int>(shape.window.kernel_h); }

std::int64_t tiles_along(std::int64_t extent) { return (extent + 1) / 2; }

/// Tiles treated at a time: their transformed inputs and outputs stay in the second cache together.
std::int64_t block_of(std::int64_t points, std::int64_t in, std::int64_t out) {
  return std::clamp<std::int64_t>((std::int64_t{1} << 16) / (points * (padded(in) + padded(out))), 12, 96);
}

/// Distance of a block's points in memory.  A cache line more than they need: at a distance of a power of two the
/// points of a tile would fall into the same few places of the first cache.
std::int64_t plane_of(std::int64_t block, std::int64_t row) { return block * row + 2 * lanes; }

/// Memory of this thread for the transformed tiles of a block, on both sides of the product; valid until the next.
struct Scratch {
  TilePoints v, m;

  Scratch(std::int64_t points, std::int64_t block, std::int64_t in_row, std::int64_t out_row) {
    thread_local std::vector<float> memory;
    const std::int64_t in_plane = plane_of(block, in_row);
    const std::int64_t out_plane = plane_of(block, out_row);
    const auto floats = static_cast<std::size_t>(points * (in_plane + out_plane));
    if (memory.size() < floats) memory.resize(floats);
    v = {memory.data(), in_plane, in_row};
    m = {memory.data() + points * in_plane, out_plane, out_row};
  }
};

/// y = tiles of x times transformed weights [points][in][padded(out)].
void convolve(const Workers& workers, int taps, std::int64_t batch, const TileGrid& in, const TileGrid& out,
              const float* x, const float* weights, const float* bias, float* y) {
  const std::int64_t points = winograd_points(taps);
  const std::int64_t tiles = batch * in.rows * in.columns;
  const std::int64_t block = block_of(points, in.channels, out.channels);
  const std::int64_t in_row = padded(in.channels);
  const std::int64_t out_row = padded(out.channels);
  workers.ranges(tiles, block, tiles * points * (in_row + out_row), [&](std::int64_t begin, std::int64_t end) {
    const Scratch scratch(points, block, in_row, out_row);
    const TilePoints& v = scratch.v;
    const TilePoints& m = scratch.m;
    winograd_gather_inputs(taps, in, x, begin, end - begin, v);
    for (std::int64_t p = 0; p < points; ++p) {
      const Product product{.a = v.data + p * v.plane,
                            .a_row = in_row,
                            .a_inner = 1,
                            .a_outer = 0,
                            .b = weights + p * in.channels * out_row,
                            .b_inner = out_row,
                            .b_outer = 0,
                            .c = m.data + p * m.plane,
                            .c_row = out_row,
                            .inner = in.channels,
                            .outer = 1};
      multiply(product, end - begin, out_row, false);
    }
    winograd_scatter_outputs(taps, out, m, begin, end - begin, bias, y);
  });
}

}  // namespace

bool Winograd::takes(const Conv2d& s) {
  const Window& w = s.window;
  const bool filter = w.kernel_h == w.kernel_w && (w.kernel_h == 3 || w.kernel_h == 5);
  const bool steps = w.stride_h == 1 && w.stride_w == 1 && w.dilation_h == 1 && w.dilation_w == 1 && s.groups == 1;
  // Transforms cost as much as they save where there are few channels to sum over.
  const std::int64_t least = w.kernel_h == 3 ? 8 : 24;
  return filter && steps && w.pad_h < w.kernel_h && w.pad_w < w.kernel_w && s.in_c >= least && s.out_c >= least &&
         has_microkernels();
}

template <int taps>
void Winograd::transform(const Conv2d& s, const float* w, bool turned) {
  constexpr std::int64_t points = winograd_points(taps);
  constexpr int area = taps * taps;
  const std::int64_t row = padded(turned ? s.in_c : s.out_c);
  const std::int64_t from = turned ? s.out_c : s.in_c;
  weights_.assign(static_cast<std::size_t>(points * from * row), 0.0F);
  workers_.each(s.out_c, points * s.in_c * s.out_c, [&](std::int64_t o) {
    for (std::int64_t i = 0; i < s.in_c; ++i) {
      float g[area];
      float u[points];
      for (int k = 0; k < area; ++k) g[k] = w[(area * o + (turned ? area - 1 - k : k)) * s.in_c + i];
      filter_points<taps>(g, u);
      float* to = weights_.data() + (turned ? o * row + i : i * row + o);
      for (std::int64_t p = 0; p < points; ++p) to[p * from * row] = u[p];
    }
  });
}

void Winograd::forward(const Conv2d& s, const float* x, const float* w, const float* bias, float* y) {
  taps_of(s) == 3 ? transform<3>(s, w, false) : transform<5>(s, w, false);
  const std::int64_t rows = tiles_along(s.out_h);
  const std::int64_t columns = tiles_along(s.out_w);
  convolve(workers_, taps_of(s), s.batch, {s.in_h, s.in_w, s.in_c, rows, columns, s.window.pad_h, s.window.pad_w},
           {s.out_h, s.out_w, s.out_c, rows, columns, 0, 0}, x, weights_.data(), bias, y);
}

void Winograd::backward_data(const Conv2d& s, const float* dy, const float* w, float* dx) {
  // dx is the convolution of dy with the filters turned by half a circle.
  taps_of(s) == 3 ? transform<3>(s, w, true) : transform<5>(s, w, true);
  const std::int64_t rows = tiles_along(s.in_h);
  const std::int64_t columns = tiles_along(s.in_w);
  const std::int64_t last = taps_of(s) - 1;
  convolve(workers_, taps_of(s), s.batch,
           {s.out_h, s.out_w, s.out_c, rows, columns, last - s.window.pad_h, last - s.window.pad_w},
           {s.in_h, s.in_w, s.in_c, rows, columns, 0, 0}, dy, weights_.data(), nullptr, dx);
}

void Winograd::backward_weights(const Conv2d& s, const float* x, const float* dy, float* dw) {
  taps_of(s) == 3 ? weight_gradient<3>(s, x, dy, dw) : weight_gradient<5>(s, x, dy, dw);
}

template <int taps>
void Winograd::weight_gradient(const Conv2d& s, const float* x, const float* dy, float* dw) {
  constexpr std::int64_t points = winograd_points(taps);
  constexpr int area = taps * taps;
  const std::int64_t rows = tiles_along(s.out_h);
  const std::int64_t columns = tiles_along(s.out_w);
  const TileGrid in{s.in_h, s.in_w, s.in_c, rows, columns, s.window.pad_h, s.window.pad_w};
  const TileGrid out{s.out_h, s.out_w, s.out_c, rows, columns, 0, 0};
  const std::int64_t in_row = padded(s.in_c);
  const std::int64_t out_row = padded(s.out_c);
  const std::int64_t tiles = s.batch * rows * columns;
  const std::int64_t block = block_of(points, s.in_c, s.out_c);
  const std::int64_t size = points * s.in_c * out_row;
  // Partial sums: a number that depends on the shape alone, so that results do not depend on the threads.
  const std::int64_t blocks = (tiles + block - 1) / block;
  const std::int64_t sums = std::min(blocks, std::clamp<std::int64_t>((std::int64_t{1} << 22) / size, 4, 32));
  weights_.assign(static_cast<std::size_t>(sums * size), 0.0F);
  workers_.each(sums, tiles * points * (in_row + out_row), [&](std::int64_t k) {
    const Scratch scratch(points, block, in_row, out_row);
    const TilePoints& v = scratch.v;
    const TilePoints& m = scratch.m;
    float* sum = weights_.data() + k * size;
    const std::int64_t last = std::min(tiles, (k + 1) * blocks / sums * block);
    for (std::int64_t begin = k * blocks / sums * block; begin < last; begin += block) {
      const std::int64_t n = std::min(block, last - begin);
      winograd_gather_inputs(taps, in, x, begin, n, v);
      winograd_gather_outputs(taps, out, dy, begin, n, m);
      for (std::int64_t p = 0; p < points; ++p) {
        const Product product{.a = v.data + p * v.plane,
                              .a_row = 1,
                              .a_inner = in_row,
                              .a_outer = 0,
                              .b = m.data + p * m.plane,
                              .b_inner = out_row,
                              .b_outer = 0,
                              .c = sum + p * s.in_c * out_row,
                              .c_row = out_row,
                              .inner = n,
                              .outer = 1};
        multiply(product, s.in_c, out_row, true);
      }
    }
  });
  workers_.each(s.in_c, size * sums, [&](std::int64_t i) {
    for (std::int64_t o = 0; o < s.out_c; ++o) {
      float u[points];
      float g[area];
      for (std::int64_t p = 0; p < points; ++p) {
        const float* at = weights_.data() + (p * s.in_c + i) * out_row + o;
        float total = 0;
        for (std::int64_t k = 0; k < sums; ++k) total += at[k * size];
        u[p] = total;
      }
      filter_from_points<taps>(u, g);
      for (int k = 0; k < area; ++k) dw[(area * o + k) * s.in_c + i] = g[k];
    }
  });
}

}  // namespace scnn::cpu
