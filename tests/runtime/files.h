#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scnn/runtime/scnn_runtime.h"

/// Packed files written by hand, byte for byte as docs/file-format.md says: independent of the program's encoder.
namespace scnn::test {

using Bytes = std::vector<std::uint8_t>;

inline std::uint32_t crc32_bitwise(const Bytes& bytes) {
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

/// Magic, version, length and checksum around a body.
inline Bytes file_around(const Bytes& body) {
  Bytes file = {'S', 'C', 'N', 'N', 2};
  std::size_t size = body.size();
  for (; size >= 128; size >>= 7U) file.push_back(static_cast<std::uint8_t>(size | 128U));
  file.push_back(static_cast<std::uint8_t>(size));
  file.insert(file.end(), body.begin(), body.end());
  const std::uint32_t crc = crc32_bitwise(file);
  for (unsigned shift = 0; shift < 32; shift += 8) file.push_back(static_cast<std::uint8_t>(crc >> shift));
  return file;
}

/// 1 channel of 2x2 -> linear with the integers {1, 2, 3, 4} and {-1, 0, 1, -1}, scales 2 and 0.5, biases 1 and 0.
inline Bytes tiny_body() {
  return {
      3,          'a',        'b', 'c',                              // name
      2,          1,          'x', 1,    'y',                        // class names
      1,          1,          0,   0x00, 0x38, 1,    0, 0x00, 0x34,  // mean 0.5, std 0.25, as halves
      3,                                                             // layers
      0,          2,          2,   0,    2,                          // input 2x2, input_0, one channel
      6,          0,                                                 // flatten_0
      2,          3,          2,   2,    0,    4,    1, 0,    0,
      0x3C,       0,          0,   2,    1,    0xFF,  // linear_0, integers, bias: {1, 0}, scales 2^1, 2^-1
      0,                                              // integers as bits
      2 | 2 << 4, 2 | 1 << 4,                         // two bits from 1, two bits from -1
      0b11100100, 0b00100100,                         // 0 1 2 3 | 0 1 2 0
  };
}

/// Whether this processor, and this build, have the path.
inline bool has(scnn_rt_path path) {
  const Bytes file = file_around(tiny_body());
  const scnn_rt_options options = {1, path, SCNN_RT_AS_CALIBRATED};
  std::size_t size = 0;
  return scnn_rt_memory(file.data(), file.size(), &options, &size, nullptr) == SCNN_RT_OK;
}

/// Loads and gives the error; the runtime is freed.
inline scnn_rt_error load_error(const Bytes& file) {
  scnn_rt_error error = {};
  scnn_runtime* runtime = nullptr;
  (void)scnn_rt_load(file.data(), file.size(), nullptr, nullptr, 0, &runtime, &error);
  scnn_rt_free(runtime);
  return error;
}

}  // namespace scnn::test
