#include "backend/cpu/winograd_kernels.h"

#include <vector>

namespace scnn::cpu {

const WinogradKernels* winograd_kernels() {
  static const WinogradKernels* const best = avx512_kernels() != nullptr ? avx512_kernels() : avx2_kernels();
  return best;
}

const float* zeros(std::int64_t n) {
  thread_local std::vector<float> memory;
  if (memory.size() < static_cast<std::size_t>(n)) memory.assign(static_cast<std::size_t>(n), 0.0F);
  return memory.data();
}

}  // namespace scnn::cpu
