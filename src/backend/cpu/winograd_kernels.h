#pragma once

#include <cstdint>
#include <type_traits>

namespace scnn::cpu {

/// F(outputs x outputs, taps x taps); there are F(2x2, 3x3), F(4x4, 3x3) and F(4x4, 5x5).
struct TileShape {
  int outputs, taps;
  [[nodiscard]] constexpr int size() const { return outputs + taps - 1; }
  [[nodiscard]] constexpr std::int64_t points() const { return std::int64_t{size()} * size(); }
};

/// call(outputs, taps) with constants.
template <class Call>
void with_constants(TileShape shape, const Call& call) {
  constexpr std::integral_constant<int, 3> three{};
  constexpr std::integral_constant<int, 4> four{};
  if (shape.taps == 5) {
    call(four, std::integral_constant<int, 5>{});
  } else if (shape.outputs == 4) {
    call(four, three);
  } else {
    call(std::integral_constant<int, 2>{}, three);
  }
}

/// Columns of the products below are padded to this many floats.
constexpr std::int64_t lanes = 8;
[[nodiscard]] constexpr std::int64_t padded(std::int64_t columns) { return (columns + lanes - 1) / lanes * lanes; }

/// Operands of a matrix product whose sum runs over `inner` terms:
///
///     c[m * c_row + n] (+)= sum over k of a[k * a_inner + m * a_row] * b[k * b_inner + n]
///
/// The terms of an element are added in this order by fused multiply-adds, whatever the extents and the processor: a
/// result does not depend on how a product is cut into pieces along m and n.
struct Product {
  const float* a;
  std::int64_t a_row, a_inner;
  const float* b;
  std::int64_t b_inner;
  float* c;
  std::int64_t c_row;
  std::int64_t inner;
};

/// A batch of NHWC images cut into tiles `step` pixels apart; tile (n, r, c) has its first pixel at (step r - pad_h,
/// step c - pad_w).
struct TileGrid {
  std::int64_t h, w, channels;  ///< of an image
  std::int64_t rows, columns;   ///< of tiles
  std::int64_t pad_h, pad_w;
  std::int64_t step;
};

/// Transformed tiles: point p, tile t, channel c at data[p * plane + t * row + c].
struct TilePoints {
  float* data;
  std::int64_t plane, row;
};

/// What Winograd's convolutions run on.  Transforms (winograd_transforms.h) treat tiles [first, first + n) of the batch
/// and need 8 channels or more; pixels outside an image read as 0 and are not written.
struct WinogradKernels {
  /// Transformed numbers that half the second cache of such processors holds.
  std::int64_t block_floats;
  /// Channels on both sides from which this is faster than oneDNN (README.md says what was measured).
  std::int64_t least_channels;
  /// Rows [0, m) and columns [0, n) of a product; n is a multiple of `lanes`.  `add` keeps what c holds.
  void (*multiply)(const Product& product, std::int64_t m, std::int64_t n, bool add);
  /// B^T d B of size x size pixels.
  void (*gather_inputs)(TileShape shape, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                        const TilePoints& to);
  /// A d A^T of outputs x outputs pixels: the adjoint of the next.
  void (*gather_outputs)(TileShape shape, const TileGrid& grid, const float* images, std::int64_t first, std::int64_t n,
                         const TilePoints& to);
  /// outputs x outputs pixels = A^T m A + bias; `bias` may be null.
  void (*scatter_outputs)(TileShape shape, const TileGrid& grid, const TilePoints& from, std::int64_t first,
                          std::int64_t n, const float* bias, float* images);
};

/// Null where the processor, or the build, has none.
[[nodiscard]] const WinogradKernels* avx2_kernels();
[[nodiscard]] const WinogradKernels* avx512_kernels();
/// The best of them for this processor, or null.
[[nodiscard]] const WinogradKernels* winograd_kernels();

/// At least `n` zeros, valid on this thread until the next call.
[[nodiscard]] const float* zeros(std::int64_t n);

}  // namespace scnn::cpu
