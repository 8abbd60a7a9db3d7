#pragma once

#include <cstdint>

namespace scnn::cpu {

/// Points of a transformed tile: a 2x2 output of a filter of taps x taps, 3 or 5.
[[nodiscard]] constexpr std::int64_t winograd_points(int taps) {
  return static_cast<std::int64_t>(taps + 1) * (taps + 1);
}

/// A batch of NHWC images cut into 2x2 blocks; tile (n, r, c) has its first pixel at (2 r - pad_h, 2 c - pad_w).
struct TileGrid {
  std::int64_t h, w, channels;  ///< of an image
  std::int64_t rows, columns;   ///< of tiles
  std::int64_t pad_h, pad_w;
};

/// Transformed tiles: point p, tile t, channel c at data[p * plane + t * row + c].
struct TilePoints {
  float* data;
  std::int64_t plane, row;
};

// Minimal filtering in two dimensions (winograd_transforms.h).  Each of these treats tiles [first, first + n) of the
// batch and needs has_microkernels() and 8 channels or more; pixels outside an image read as 0 and are not written.

/// B^T d B of (taps + 1) x (taps + 1) pixels.
void winograd_gather_inputs(int taps, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                            const TilePoints& to);
/// A d A^T of 2x2 pixels: the adjoint of the next.
void winograd_gather_outputs(int taps, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                             const TilePoints& to);
/// 2x2 pixels = A^T m A + bias; `bias` may be null.
void winograd_scatter_outputs(int taps, const TileGrid& grid, const TilePoints& from, std::int64_t first,
                              std::int64_t n, const float* bias, float* images);

}  // namespace scnn::cpu
