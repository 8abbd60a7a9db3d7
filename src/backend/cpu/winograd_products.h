#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "backend/cpu/winograd_vectors.h"

/// Blocks of matrix products.  Compiled once for each processor, which includes this where its code may use it.
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

/// Keeps a loaded vector in a register: GCC would otherwise fold the load into each of its uses.
template <class V>
[[gnu::always_inline]] inline void in_register(V& vector) {
  asm("" : "+v"(vector));
}

/// One block of rows x (vectors of Wide, and `half` = 0 or 1 of 8 floats) columns, its sums in registers.
template <class Wide, int rows, int vectors, int half>
void block(const Product& p, bool add) {
  constexpr int in_row = std::max(vectors, 1);
  typename Wide::V sums[rows * vectors + 1];
  typename Wide::V rest[rows * half + 1];
  float* const c = p.c;
  const std::int64_t c_row = p.c_row;
  const auto sum_at = [&](int i) __attribute__((always_inline)) {
    return c + i / in_row * c_row + i % in_row * Wide::width;
  };
  const auto rest_at = [&](int r) __attribute__((always_inline)) { return c + r * c_row + vectors * Wide::width; };
  unrolled<rows * vectors>([&](auto i) __attribute__((always_inline)) {
    sums[i] = add ? Wide::load(sum_at(i)) : Wide::set(0);
  });
  unrolled<rows * half>([&](auto r) __attribute__((always_inline)) {
    rest[r] = add ? Wide::load_half(rest_at(r)) : Wide::set(0);
  });
  const float* a = p.a;
  const float* b = p.b;
  const std::int64_t row = p.a_row;
  for (std::int64_t k = 0; k < p.inner; ++k) {
    typename Wide::V columns[vectors + 1];
    typename Wide::V last{};
    unrolled<vectors>([&](auto v) __attribute__((always_inline)) {
      columns[v] = Wide::load(b + v * Wide::width);
      in_register(columns[v]);
    });
    if constexpr (half > 0) last = Wide::load_half(b + vectors * Wide::width);
    unrolled<rows>([&](auto r) __attribute__((always_inline)) {
      const typename Wide::V factor = Wide::set(a[r * row]);
      unrolled<vectors>([&](auto v) __attribute__((always_inline)) {
        sums[r * vectors + v] = Wide::fma(factor, columns[v], sums[r * vectors + v]);
      });
      if constexpr (half > 0) rest[r] = Wide::fma(factor, last, rest[r]);
    });
    a += p.a_inner;
    b += p.b_inner;
  }
  unrolled<rows * vectors>([&](auto i) __attribute__((always_inline)) { Wide::store(sum_at(i), sums[i]); });
  unrolled<rows * half>([&](auto r) __attribute__((always_inline)) { Wide::store_half(rest_at(r), rest[r]); });
}

using Block = void (*)(const Product&, bool);

/// Blocks of `units` * 8 columns by their number of rows; as many as leave the sums in registers.
template <class Wide, int units>
struct Blocks {
  static constexpr int vectors = units * 8 / Wide::width;
  static constexpr int half = units * 8 % Wide::width / 8;
  static constexpr int most = Wide::rows[vectors + half];

  template <int... r>
  static constexpr std::array<Block, most + 1> table(std::integer_sequence<int, r...>) {
    return {nullptr, block<Wide, r + 1, vectors, half>...};
  }
  static constexpr std::array<Block, most + 1> blocks = table(std::make_integer_sequence<int, most>{});

  /// All rows of one column of blocks, cut as evenly as can be: a last block of one row would wait for its sums.
  static void column(Product p, std::int64_t m, bool add) {
    const std::int64_t pieces = (m + most - 1) / most;
    std::int64_t done = 0;
    for (std::int64_t i = 0; i < pieces; ++i) {
      const std::int64_t rows = (m - done + pieces - i - 1) / (pieces - i);
      blocks[static_cast<std::size_t>(rows)](p, add);
      p.a += rows * p.a_row;
      p.c += rows * p.c_row;
      done += rows;
    }
  }
};

template <class Wide>
struct Products {
  using Column = void (*)(Product, std::int64_t, bool);
  template <int... u>
  static constexpr std::array<Column, Wide::most_units + 1> table(std::integer_sequence<int, u...>) {
    return {nullptr, Blocks<Wide, u + 1>::column...};
  }
  static constexpr auto columns = table(std::make_integer_sequence<int, Wide::most_units>{});

  static void multiply(const Product& product, std::int64_t m, std::int64_t n, bool add) {
    Product p = product;
    for (std::int64_t left = n / lanes; left > 0;) {
      const std::int64_t units = left <= Wide::most_units ? left : Wide::units;
      columns[static_cast<std::size_t>(units)](p, m, add);
      p.b += units * lanes;
      p.c += units * lanes;
      left -= units;
    }
  }
};

}  // namespace
}  // namespace scnn::cpu
