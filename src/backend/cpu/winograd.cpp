#include "backend/cpu/winograd.h"

#include <algorithm>

#include "backend/cpu/microkernel.h"
#include "backend/cpu/winograd_tiles.h"

namespace scnn::cpu {
namespace {

constexpr std::int64_t points = winograd_points;

/// u = G g G^T, a 3x3 filter as 4x4 points.
void filter_points(const float (&g)[9], float (&u)[points]) {
  float half[4][3];
  for (int j = 0; j < 3; ++j) {
    const float sum = 0.5F * (g[j] + g[6 + j]);
    const float middle = 0.5F * g[3 + j];
    half[0][j] = g[j];
    half[1][j] = sum + middle;
    half[2][j] = sum - middle;
    half[3][j] = g[6 + j];
  }
  for (int i = 0; i < 4; ++i) {
    const float sum = 0.5F * (half[i][0] + half[i][2]);
    const float middle = 0.5F * half[i][1];
    u[4 * i] = half[i][0];
    u[4 * i + 1] = sum + middle;
    u[4 * i + 2] = sum - middle;
    u[4 * i + 3] = half[i][2];
  }
}

/// g = G^T u G, the adjoint of filter_points.
void filter_from_points(const float (&u)[points], float (&g)[9]) {
  float half[3][4];
  for (int j = 0; j < 4; ++j) {
    const float sum = 0.5F * (u[4 + j] + u[8 + j]);
    half[0][j] = u[j] + sum;
    half[1][j] = 0.5F * (u[4 + j] - u[8 + j]);
    half[2][j] = sum + u[12 + j];
  }
  for (int i = 0; i < 3; ++i) {
    const float sum = 0.5F * (half[i][1] + half[i][2]);
    g[3 * i] = half[i][0] + sum;
    g[3 * i + 1] = 0.5F * (half[i][1] - half[i][2]);
    g[3 * i + 2] = sum + half[i][3];
  }
}

std::int64_t tiles_along(std::int64_t extent) { return (extent + 1) / 2; }

/// Tiles treated at a time: their transformed inputs and outputs stay in the second cache together.
std::int64_t block_of(std::int64_t in, std::int64_t out) {
  return std::clamp<std::int64_t>((std::int64_t{1} << 16) / (points * (padded(in) + padded(out))), 12, 96);
}

/// Distance of a block's points in memory.  A cache line more than they need: at a distance of a power of two the 16
/// points of a tile would fall into the same few places of the first cache.
std::int64_t plane_of(std::int64_t block, std::int64_t row) { return block * row + 2 * lanes; }

/// Memory of this thread for the transformed tiles of a block, on both sides of the product; valid until the next.
struct Scratch {
  TilePoints v, m;

  Scratch(std::int64_t block, std::int64_t in_row, std::int64_t out_row) {
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
void convolve(const Workers& workers, std::int64_t batch, const TileGrid& in, const TileGrid& out, const float* x,
              const float* weights, const float* bias, float* y) {
  const std::int64_t tiles = batch * in.rows * in.columns;
  const std::int64_t block = block_of(in.channels, out.channels);
  const std::int64_t in_row = padded(in.channels);
  const std::int64_t out_row = padded(out.channels);
  workers.ranges(tiles, block, tiles * points * (in_row + out_row), [&](std::int64_t begin, std::int64_t end) {
    const Scratch scratch(block, in_row, out_row);
    const TilePoints& v = scratch.v;
    const TilePoints& m = scratch.m;
    winograd_gather_inputs(in, x, begin, end - begin, v);
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
    winograd_scatter_outputs(out, m, begin, end - begin, bias, y);
  });
}

}  // namespace

bool Winograd::takes(const Conv2d& s) {
  const Window& w = s.window;
  const bool shape = w.kernel_h == 3 && w.kernel_w == 3 && w.stride_h == 1 && w.stride_w == 1 && w.dilation_h == 1 &&
                     w.dilation_w == 1 && w.pad_h <= 2 && w.pad_w <= 2 && s.groups == 1;
  // Transforms cost as much as they save where there are few channels to sum over.
  return shape && s.in_c >= 8 && s.out_c >= 8 && has_microkernels();
}

void Winograd::forward(const Conv2d& s, const float* x, const float* w, const float* bias, float* y) {
  const std::int64_t row = padded(s.out_c);
  weights_.assign(static_cast<std::size_t>(points * s.in_c * row), 0.0F);
  workers_.each(s.out_c, 16 * s.in_c * s.out_c, [&](std::int64_t o) {
    for (std::int64_t i = 0; i < s.in_c; ++i) {
      float g[9];
      float u[points];
      for (int k = 0; k < 9; ++k) g[k] = w[(9 * o + k) * s.in_c + i];
      filter_points(g, u);
      for (std::int64_t p = 0; p < points; ++p) weights_[static_cast<std::size_t>((p * s.in_c + i) * row + o)] = u[p];
    }
  });
  const std::int64_t rows = tiles_along(s.out_h);
  const std::int64_t columns = tiles_along(s.out_w);
  convolve(workers_, s.batch, {s.in_h, s.in_w, s.in_c, rows, columns, s.window.pad_h, s.window.pad_w},
           {s.out_h, s.out_w, s.out_c, rows, columns, 0, 0}, x, weights_.data(), bias, y);
}

void Winograd::backward_data(const Conv2d& s, const float* dy, const float* w, float* dx) {
  // dx is the convolution of dy with the filters turned by half a circle.
  const std::int64_t row = padded(s.in_c);
  weights_.assign(static_cast<std::size_t>(points * s.out_c * row), 0.0F);
  workers_.each(s.out_c, 16 * s.in_c * s.out_c, [&](std::int64_t o) {
    for (std::int64_t i = 0; i < s.in_c; ++i) {
      float g[9];
      float u[points];
      for (int k = 0; k < 9; ++k) g[k] = w[(9 * o + 8 - k) * s.in_c + i];
      filter_points(g, u);
      for (std::int64_t p = 0; p < points; ++p) weights_[static_cast<std::size_t>((p * s.out_c + o) * row + i)] = u[p];
    }
  });
  const std::int64_t rows = tiles_along(s.in_h);
  const std::int64_t columns = tiles_along(s.in_w);
  convolve(workers_, s.batch, {s.out_h, s.out_w, s.out_c, rows, columns, 2 - s.window.pad_h, 2 - s.window.pad_w},
           {s.in_h, s.in_w, s.in_c, rows, columns, 0, 0}, dy, weights_.data(), nullptr, dx);
}

void Winograd::backward_weights(const Conv2d& s, const float* x, const float* dy, float* dw) {
  const std::int64_t rows = tiles_along(s.out_h);
  const std::int64_t columns = tiles_along(s.out_w);
  const TileGrid in{s.in_h, s.in_w, s.in_c, rows, columns, s.window.pad_h, s.window.pad_w};
  const TileGrid out{s.out_h, s.out_w, s.out_c, rows, columns, 0, 0};
  const std::int64_t in_row = padded(s.in_c);
  const std::int64_t out_row = padded(s.out_c);
  const std::int64_t tiles = s.batch * rows * columns;
  const std::int64_t block = block_of(s.in_c, s.out_c);
  const std::int64_t size = points * s.in_c * out_row;
  // Partial sums: a number that depends on the shape alone, so that results do not depend on the threads.
  const std::int64_t blocks = (tiles + block - 1) / block;
  const std::int64_t sums = std::min(blocks, std::clamp<std::int64_t>((std::int64_t{1} << 22) / size, 4, 32));
  weights_.assign(static_cast<std::size_t>(sums * size), 0.0F);
  workers_.each(sums, tiles * points * (in_row + out_row), [&](std::int64_t k) {
    const Scratch scratch(block, in_row, out_row);
    const TilePoints& v = scratch.v;
    const TilePoints& m = scratch.m;
    float* sum = weights_.data() + k * size;
    const std::int64_t last = std::min(tiles, (k + 1) * blocks / sums * block);
    for (std::int64_t begin = k * blocks / sums * block; begin < last; begin += block) {
      const std::int64_t n = std::min(block, last - begin);
      winograd_gather_inputs(in, x, begin, n, v);
      winograd_gather_outputs(out, dy, begin, n, m);
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
      float g[9];
      for (std::int64_t p = 0; p < points; ++p) {
        const float* at = weights_.data() + (p * s.in_c + i) * out_row + o;
        float total = 0;
        for (std::int64_t k = 0; k < sums; ++k) total += at[k * size];
        u[p] = total;
      }
      filter_from_points(u, g);
      for (int k = 0; k < 9; ++k) dw[(9 * o + k) * s.in_c + i] = g[k];
    }
  });
}

}  // namespace scnn::cpu
