#pragma once

#include <cstdint>
#include <cstring>

#include "emulator/block.h"
#include "emulator/memory.h"

namespace emulator {

void load_matrices(std::uint32_t* to, const void* row, bool transposed);
void multiply_add(float* sums, const std::uint32_t* a, const std::uint32_t* b);
void begin_copy(void* to, const void* from, bool wanted);
void commit_copies();
/// The oldest copy of all but the newest `n` groups, taken out of its queue; false where none is left.
[[nodiscard]] bool next_copy(int n, AsyncCopy& copy);

/// Accesses that the sanitizers shall see as the running thread's own.
inline void touch(const void* row) {
  const auto* words = static_cast<const volatile std::uint64_t*>(row);
  (void)words[0];
  (void)words[1];
}

}  // namespace emulator

namespace gpu {

struct bf16 {
  std::uint16_t bits;
};

/// 16 bytes to shared memory, zeros where not `wanted`.  They arrive at the wait and no earlier.
inline void cp_async16(void* to, const void* from, bool wanted) {
  if (wanted) emulator::touch(from);
  auto* words = static_cast<std::uint64_t*>(to);
  words[0] = words[1] = ~std::uint64_t{0};  // NaN until waited for
  emulator::begin_copy(to, from, wanted);
}

inline void cp_commit() { emulator::commit_copies(); }

/// Waits until at most N groups are on their way.
template <int N>
void cp_wait() {
  emulator::AsyncCopy copy{};
  while (emulator::next_copy(N, copy)) {
    std::uint64_t words[2] = {};
    if (copy.wanted) std::memcpy(words, copy.from, sizeof words);
    std::memcpy(copy.to, words, sizeof words);
  }
}

/// Four 8x8 matrices of 16-bit elements; lane 8 m + r names row r of matrix m.
inline void ldmatrix_x4(std::uint32_t (&to)[4], const void* row) {
  emulator::touch(row);
  emulator::load_matrices(to, row, false);
}
inline void ldmatrix_x4_trans(std::uint32_t (&to)[4], const void* row) {
  emulator::touch(row);
  emulator::load_matrices(to, row, true);
}

/// sums += a b, m16n8k16, bf16 in, float out.
inline void mma_bf16(float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  emulator::multiply_add(sums, a, b);
}

}  // namespace gpu
