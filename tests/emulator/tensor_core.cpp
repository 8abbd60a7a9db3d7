#include "emulator/tensor_core.h"

#include <utility>

namespace emulator {
namespace {

float bf16_of(std::uint32_t pair, int half) {
  const std::uint32_t bits = half != 0 ? pair & 0xffff0000U : pair << 16;
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct Rows {
  std::uint32_t* to;
  const void* row;
};

template <bool transposed>
void load_all(const WarpArguments& arguments, std::uint32_t /*mask*/) {
  for (std::size_t m = 0; m < 4; ++m) {
    std::uint16_t matrix[8][8];
    for (std::size_t r = 0; r < 8; ++r) {
      const void* row = static_cast<Rows*>(arguments[m * 8 + r])->row;
      if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) die("a row of ldmatrix that is not aligned to 16 bytes");
      std::memcpy(matrix[r], row, sizeof matrix[r]);
    }
    for (std::size_t lane = 0; lane < 32; ++lane) {
      const std::size_t r = lane / 4;
      const std::size_t c = lane % 4 * 2;
      const std::uint32_t low = transposed ? matrix[c][r] : matrix[r][c];
      const std::uint32_t high = transposed ? matrix[c + 1][r] : matrix[r][c + 1];
      static_cast<Rows*>(arguments[lane])->to[m] = low | high << 16;
    }
  }
}

struct Product {
  float* sums;
  const std::uint32_t *a, *b;
};

/// Fragments as the PTX manual lays them out for mma.m16n8k16.
void multiply_all(const WarpArguments& arguments, std::uint32_t /*mask*/) {
  float a[16][16];
  float b[16][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto* p = static_cast<const Product*>(arguments[static_cast<std::size_t>(lane)]);
    const int group = lane / 4;
    const int pair = lane % 4 * 2;
    for (int h = 0; h < 2; ++h) {
      a[group][pair + h] = bf16_of(p->a[0], h);
      a[group + 8][pair + h] = bf16_of(p->a[1], h);
      a[group][pair + 8 + h] = bf16_of(p->a[2], h);
      a[group + 8][pair + 8 + h] = bf16_of(p->a[3], h);
      b[pair + h][group] = bf16_of(p->b[0], h);
      b[pair + 8 + h][group] = bf16_of(p->b[1], h);
    }
  }
  float c[16][8] = {};
  for (int m = 0; m < 16; ++m) {
    for (int k = 0; k < 16; ++k) {
      for (int n = 0; n < 8; ++n) c[m][n] += a[m][k] * b[k][n];
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    const auto* p = static_cast<const Product*>(arguments[static_cast<std::size_t>(lane)]);
    const int group = lane / 4;
    const int pair = lane % 4 * 2;
    p->sums[0] += c[group][pair];
    p->sums[1] += c[group][pair + 1];
    p->sums[2] += c[group + 8][pair];
    p->sums[3] += c[group + 8][pair + 1];
  }
}

constexpr std::uint32_t whole_warp = 0xffffffffU;

}  // namespace

void load_matrices(std::uint32_t* to, const void* row, bool transposed) {
  Rows rows{to, row};
  if (transposed) {
    warp_operation("ldmatrix.trans", whole_warp, &rows, load_all<true>, {"ldmatrix.trans", 0});
  } else {
    warp_operation("ldmatrix", whole_warp, &rows, load_all<false>, {"ldmatrix", 0});
  }
}

void multiply_add(float* sums, const std::uint32_t* a, const std::uint32_t* b) {
  Product product{sums, a, b};
  warp_operation("mma", whole_warp, &product, multiply_all, {"mma", 0});
}

void begin_copy(void* to, const void* from, bool wanted) {
  const Quiet quiet;
  if (((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) & 15U) != 0) {
    die("a cp.async that is not aligned to 16 bytes");
  }
  still_fresh(to, 16);
  running_thread()->open_copies.push_back({to, from, wanted});
}

void commit_copies() {
  const Quiet quiet;
  Thread& t = *running_thread();
  t.copy_groups.push_back(std::move(t.open_copies));
  t.open_copies.clear();
}

bool next_copy(int n, AsyncCopy& copy) {
  const Quiet quiet;
  Thread& t = *running_thread();
  while (t.copy_groups.size() > static_cast<std::size_t>(n)) {
    std::vector<AsyncCopy>& oldest = t.copy_groups.front();
    if (oldest.empty()) {
      t.copy_groups.pop_front();
      continue;
    }
    copy = oldest.front();
    oldest.erase(oldest.begin());
    return true;
  }
  return false;
}

}  // namespace emulator
