#pragma once

#include <cstdint>

namespace scnn::cpu {

/// The sum of a[i] b[i], in eight parts that a compiler can keep in one register.
inline float dot(const float* a, const float* b, std::int64_t n) {
  float sums[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  float rest = 0;
  for (; i < n; ++i) rest += a[i] * b[i];
  for (const float sum : sums) rest += sum;
  return rest;
}

/// y += alpha x.
template <class T>
void add_scaled(float alpha, const float* x, std::int64_t n, T* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

}  // namespace scnn::cpu
