#include "backend/cpu/winograd_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <utility>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

#include "backend/cpu/winograd_products.h"
#include "backend/cpu/winograd_tiles.h"

namespace scnn::cpu {
namespace {
constexpr WinogradKernels kernels = kernels_of<Vector8>();
}
}  // namespace scnn::cpu

#pragma GCC pop_options

namespace scnn::cpu {
const WinogradKernels* avx2_kernels() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has ? &kernels : nullptr;
}
}  // namespace scnn::cpu

#else
namespace scnn::cpu {
const WinogradKernels* avx2_kernels() { return nullptr; }
}  // namespace scnn::cpu
#endif
