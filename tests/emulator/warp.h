#pragma once

#include <cstdint>
#include <cstring>

#include "emulator/report.h"

namespace emulator {

[[nodiscard]] std::uint64_t shuffle_bits(const char* name, std::uint32_t mask, std::uint64_t bits, int source,
                                         Place place);
[[nodiscard]] std::uint32_t ballot(std::uint32_t mask, bool wanted, Place place);

/// The value that lane `source` brings.
template <class T>
T shuffle(const char* name, std::uint32_t mask, T value, int source, Place place) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = shuffle_bits(name, mask, bits, source, place);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace emulator
