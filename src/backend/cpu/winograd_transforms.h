#pragma once

/// Minimal filtering F(outputs, taps) in one dimension: outputs of a filter as products at outputs + taps - 1 points,
///
///     y = A^T ((G g) * (B^T d)),    d: as many inputs as points, g: the filter, y: the outputs.
///
/// T is float, or a vector of floats with the usual operators.  Inlined always: a caller may be compiled for a
/// processor that this header is not.
namespace scnn::cpu {

template <int outputs, int taps>
struct Minimal;

/// Points 0, 1, -1 and infinity (Lavin & Gray, arXiv 1509.09308, section 4.1).
template <>
struct Minimal<2, 3> {
  /// B^T d
  template <class T>
  [[gnu::always_inline]] static inline void inputs(const T (&d)[4], T (&t)[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[1] - d[3];
  }
  /// A^T m
  template <class T>
  [[gnu::always_inline]] static inline void outputs(const T (&m)[4], T (&y)[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = m[1] - m[2] - m[3];
  }
  /// A y, the adjoint of the last
  template <class T>
  [[gnu::always_inline]] static inline void outputs_adjoint(const T (&y)[2], T (&m)[4]) {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = -y[1];
  }
  /// G g
  static void filter(const float (&g)[3], float (&u)[4]) {
    const float sum = 0.5F * (g[0] + g[2]);
    const float middle = 0.5F * g[1];
    u[0] = g[0];
    u[1] = sum + middle;
    u[2] = sum - middle;
    u[3] = g[2];
  }
  /// G^T u
  static void filter_adjoint(const float (&u)[4], float (&g)[3]) {
    const float sum = 0.5F * (u[1] + u[2]);
    g[0] = u[0] + sum;
    g[1] = 0.5F * (u[1] - u[2]);
    g[2] = sum + u[3];
  }
};

/// Points 0, 1, -1, 2, -2 and infinity: the transposed Toom-Cook multiplication of polynomials (Winograd, "Arithmetic
/// complexity of computations", 1980).
template <>
struct Minimal<4, 3> {
  template <class T>
  [[gnu::always_inline]] static inline void inputs(const T (&d)[6], T (&t)[6]) {
    const T even1 = 4.0F * d[2] - d[4];
    const T odd1 = 4.0F * d[1] - d[3];
    const T even2 = d[4] - d[2];
    const T odd2 = 2.0F * (d[3] - d[1]);
    t[0] = 4.0F * d[0] - 5.0F * d[2] + d[4];
    t[1] = even1 + odd1;
    t[2] = even1 - odd1;
    t[3] = even2 + odd2;
    t[4] = even2 - odd2;
    t[5] = 4.0F * d[1] - 5.0F * d[3] + d[5];
  }
  template <class T>
  [[gnu::always_inline]] static inline void outputs(const T (&m)[6], T (&y)[4]) {
    const T sum1 = m[1] + m[2], difference1 = m[1] - m[2];
    const T sum2 = m[3] + m[4], difference2 = m[3] - m[4];
    y[0] = m[0] + sum1 + sum2;
    y[1] = difference1 + 2.0F * difference2;
    y[2] = sum1 + 4.0F * sum2;
    y[3] = difference1 + 8.0F * difference2 + m[5];
  }
  template <class T>
  [[gnu::always_inline]] static inline void outputs_adjoint(const T (&y)[4], T (&m)[6]) {
    const T even1 = y[0] + y[2], odd1 = y[1] + y[3];
    const T even2 = y[0] + 4.0F * y[2], odd2 = 2.0F * y[1] + 8.0F * y[3];
    m[0] = y[0];
    m[1] = even1 + odd1;
    m[2] = even1 - odd1;
    m[3] = even2 + odd2;
    m[4] = even2 - odd2;
    m[5] = y[3];
  }
  static void filter(const float (&g)[3], float (&u)[6]) {
    const float even1 = (g[0] + g[2]) * (1.0F / 6);
    const float odd1 = g[1] * (1.0F / 6);
    const float even2 = (g[0] + 4.0F * g[2]) * (1.0F / 24);
    const float odd2 = g[1] * (1.0F / 12);
    u[0] = 0.25F * g[0];
    u[1] = even1 + odd1;
    u[2] = even1 - odd1;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[2];
  }
  static void filter_adjoint(const float (&u)[6], float (&g)[3]) {
    const float sum1 = (u[1] + u[2]) * (1.0F / 6);
    const float difference1 = (u[1] - u[2]) * (1.0F / 6);
    const float sum2 = (u[3] + u[4]) * (1.0F / 24);
    const float difference2 = (u[3] - u[4]) * (1.0F / 12);
    g[0] = 0.25F * u[0] + sum1 + sum2;
    g[1] = difference1 + difference2;
    g[2] = sum1 + 4.0F * sum2 + u[5];
  }
};

/// Points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity: those of F(4, 3) and two more.
template <>
struct Minimal<4, 5> {
  template <class T>
  [[gnu::always_inline]] static inline void inputs(const T (&d)[8], T (&t)[8]) {
    const T even1 = d[2] - 4.25F * d[4] + d[6];
    const T odd1 = d[1] - 4.25F * d[3] + d[5];
    const T even2 = 0.25F * d[2] - 1.25F * d[4] + d[6];
    const T odd2 = 0.5F * d[1] - 2.5F * d[3] + (d[5] + d[5]);
    const T even3 = 4.0F * d[2] - 5.0F * d[4] + d[6];
    const T odd3 = 2.0F * d[1] - 2.5F * d[3] + 0.5F * d[5];
    t[0] = d[0] - d[6] + 5.25F * (d[4] - d[2]);
    t[1] = even1 + odd1;
    t[2] = even1 - odd1;
    t[3] = even2 + odd2;
    t[4] = even2 - odd2;
    t[5] = even3 + odd3;
    t[6] = even3 - odd3;
    t[7] = d[7] - d[1] + 5.25F * (d[3] - d[5]);
  }
  template <class T>
  [[gnu::always_inline]] static inline void outputs(const T (&m)[8], T (&y)[4]) {
    const T whole[6] = {m[0], m[1], m[2], m[3], m[4], m[7]};
    Minimal<4, 3>::outputs(whole, y);
    const T sum = m[5] + m[6], difference = m[5] - m[6];
    y[0] += sum;
    y[1] += 0.5F * difference;
    y[2] += 0.25F * sum;
    y[3] += 0.125F * difference;
  }
  template <class T>
  [[gnu::always_inline]] static inline void outputs_adjoint(const T (&y)[4], T (&m)[8]) {
    T whole[6];
    Minimal<4, 3>::outputs_adjoint(y, whole);
    const T even = y[0] + 0.25F * y[2], odd = 0.5F * y[1] + 0.125F * y[3];
    for (int i = 0; i < 5; ++i) m[i] = whole[i];
    m[5] = even + odd;
    m[6] = even - odd;
    m[7] = whole[5];
  }
  static void filter(const float (&g)[5], float (&u)[8]) {
    const float even1 = (g[0] + g[2] + g[4]) * (-2.0F / 9);
    const float odd1 = (g[1] + g[3]) * (-2.0F / 9);
    const float even2 = (g[0] + 4.0F * g[2] + 16.0F * g[4]) * (1.0F / 90);
    const float odd2 = (g[1] + 4.0F * g[3]) * (1.0F / 45);
    const float even3 = (16.0F * g[0] + 4.0F * g[2] + g[4]) * (2.0F / 45);
    const float odd3 = (4.0F * g[1] + g[3]) * (4.0F / 45);
    u[0] = g[0];
    u[1] = even1 + odd1;
    u[2] = even1 - odd1;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = even3 + odd3;
    u[6] = even3 - odd3;
    u[7] = g[4];
  }
  static void filter_adjoint(const float (&u)[8], float (&g)[5]) {
    const float sum1 = (u[1] + u[2]) * (-2.0F / 9);
    const float difference1 = (u[1] - u[2]) * (-2.0F / 9);
    const float sum2 = (u[3] + u[4]) * (1.0F / 90);
    const float difference2 = (u[3] - u[4]) * (1.0F / 45);
    const float sum3 = (u[5] + u[6]) * (2.0F / 45);
    const float difference3 = (u[5] - u[6]) * (4.0F / 45);
    g[0] = u[0] + sum1 + sum2 + 16.0F * sum3;
    g[1] = difference1 + difference2 + 4.0F * difference3;
    g[2] = sum1 + 4.0F * (sum2 + sum3);
    g[3] = difference1 + 4.0F * difference2 + difference3;
    g[4] = sum1 + 16.0F * sum2 + sum3 + u[7];
  }
};

/// The same map, one of Minimal's, along the columns and then along the rows of from x from numbers load(i, j):
/// store(i, j, number) of to x to.
template <int from, int to, class T, class Load, class Map, class Store>
[[gnu::always_inline]] inline void in_two_dimensions(const Load& load, const Map& map, const Store& store) {
  T half[to][from];
  for (int j = 0; j < from; ++j) {
    T column[from];
    T made[to];
    for (int i = 0; i < from; ++i) column[i] = load(i, j);
    map(column, made);
    for (int i = 0; i < to; ++i) half[i][j] = made[i];
  }
  for (int i = 0; i < to; ++i) {
    T made[to];
    map(half[i], made);
    for (int j = 0; j < to; ++j) store(i, j, made[j]);
  }
}

}  // namespace scnn::cpu
