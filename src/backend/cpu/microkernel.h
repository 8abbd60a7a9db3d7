#pragma once

#include <cstdint>

namespace scnn::cpu {

/// Whether this processor runs the kernels below (AVX2 and fused multiply-add).  Where it has AVX-512 too, oneDNN's own
/// kernels are the better choice, and this is false.
[[nodiscard]] bool has_microkernels();

/// Vectors of the kernels below hold this many floats; columns are padded to it.
constexpr std::int64_t lanes = 8;
[[nodiscard]] constexpr std::int64_t padded(std::int64_t columns) { return (columns + lanes - 1) / lanes * lanes; }

/// Operands of a matrix product whose sum runs over `outer` times `inner` terms:
///
///     c[m * c_row + n] (+)= sum over o, k of a[o * a_outer + k * a_inner + m * a_row] * b[o * b_outer + k * b_inner +
///     n]
///
/// The terms of an element are added in this order by fused multiply-adds, whatever the extents: a result does not
/// depend on how a product is cut into pieces along m and n.
struct Product {
  const float* a;
  std::int64_t a_row, a_inner, a_outer;
  const float* b;
  std::int64_t b_inner, b_outer;
  float* c;
  std::int64_t c_row;
  std::int64_t inner, outer;
};

/// Rows [0, m) and columns [0, n) of a product; n is a multiple of `lanes`.  `add` keeps what c holds.
void multiply(const Product& product, std::int64_t m, std::int64_t n, bool add);

}  // namespace scnn::cpu
