#include "backend/cpu/microkernel.h"

#include "scnn/core/error.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <utility>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace scnn::cpu {
namespace {

/// f(0), .. f(n - 1) with constants for arguments and no loop: only then does the compiler keep an array in registers.
template <int n, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}

/// One block of rows x (8 vectors) columns, its sums in registers.
template <int rows, int vectors>
void block(const Product& p, bool add) {
  __m256 sums[rows * vectors];
  unrolled<rows * vectors>([&](auto i) __attribute__((always_inline)) {
    const float* at = p.c + i / vectors * p.c_row + i % vectors * lanes;
    sums[i] = add ? _mm256_loadu_ps(at) : _mm256_setzero_ps();
  });
  for (std::int64_t o = 0; o < p.outer; ++o) {
    const float* a = p.a + o * p.a_outer;
    const float* b = p.b + o * p.b_outer;
    const std::int64_t row = p.a_row;
    for (std::int64_t k = 0; k < p.inner; ++k) {
      __m256 columns[vectors];
      unrolled<vectors>([&](auto v) __attribute__((always_inline)) { columns[v] = _mm256_loadu_ps(b + v * lanes); });
      unrolled<rows>([&](auto r) __attribute__((always_inline)) {
        const __m256 factor = _mm256_broadcast_ss(a + r * row);
        unrolled<vectors>([&](auto v) __attribute__((always_inline)) {
          sums[r * vectors + v] = _mm256_fmadd_ps(factor, columns[v], sums[r * vectors + v]);
        });
      });
      a += p.a_inner;
      b += p.b_inner;
    }
  }
  unrolled<rows * vectors>([&](auto i) __attribute__((always_inline)) {
    _mm256_storeu_ps(p.c + i / vectors * p.c_row + i % vectors * lanes, sums[i]);
  });
}

using Block = void (*)(const Product&, bool);

// The number of rows that keeps 12 sums (10 where a single vector is all there is) in the 16 registers.
constexpr std::int64_t most_rows[] = {0, 10, 6, 4};
constexpr Block one[] = {nullptr,     block<1, 1>, block<2, 1>, block<3, 1>, block<4, 1>, block<5, 1>,
                         block<6, 1>, block<7, 1>, block<8, 1>, block<9, 1>, block<10, 1>};
constexpr Block two[] = {nullptr, block<1, 2>, block<2, 2>, block<3, 2>, block<4, 2>, block<5, 2>, block<6, 2>};
constexpr Block three[] = {nullptr, block<1, 3>, block<2, 3>, block<3, 3>, block<4, 3>};
constexpr const Block* blocks[] = {nullptr, one, two, three};

/// All rows of one column of blocks, cut as evenly as can be: a last block of one row would wait for its sums.
void column(Product p, std::int64_t m, std::int64_t vectors, bool add) {
  const std::int64_t pieces = (m + most_rows[vectors] - 1) / most_rows[vectors];
  std::int64_t done = 0;
  for (std::int64_t i = 0; i < pieces; ++i) {
    const std::int64_t rows = (m - done + pieces - i - 1) / (pieces - i);
    blocks[vectors][rows](p, add);
    p.a += rows * p.a_row;
    p.c += rows * p.c_row;
    done += rows;
  }
}

}  // namespace

void multiply(const Product& product, std::int64_t m, std::int64_t n, bool add) {
  Product p = product;
  std::int64_t left = n / lanes;
  while (left > 0) {
    // Two vectors at a time, three where that avoids a single one.
    const std::int64_t vectors = left == 1 ? 1 : (left == 3 ? 3 : 2);
    column(p, m, vectors, add);
    p.b += vectors * lanes;
    p.c += vectors * lanes;
    left -= vectors;
  }
}

}  // namespace scnn::cpu

#pragma GCC pop_options

namespace scnn::cpu {

bool has_microkernels() {
  static const bool has =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !__builtin_cpu_supports("avx512f");
  return has;
}

}  // namespace scnn::cpu

#else

namespace scnn::cpu {

bool has_microkernels() { return false; }
void multiply(const Product&, std::int64_t, std::int64_t, bool) {
  throw Error(ErrorKind::bug, "microkernel: not on this processor");
}

}  // namespace scnn::cpu

#endif
