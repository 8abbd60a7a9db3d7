#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "scnn/core/tensor.h"

namespace scnn::test {

/// A float tensor as an NPY 1.0 file.
inline void save_npy(const std::filesystem::path& path, const Tensor& tensor) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t extent : tensor.shape().extents()) header.append(std::to_string(extent)).append(", ");
  header += "), }";
  header.append(63 - (10 + header.size()) % 64, ' ').append("\n");
  std::ofstream out(path, std::ios::binary);
  out.write("\x93NUMPY\x01\x00", 8);
  const auto size = static_cast<std::uint16_t>(header.size());
  out.write(reinterpret_cast<const char*>(&size), 2);
  out << header;
  out.write(static_cast<const char*>(tensor.raw()), static_cast<std::streamsize>(tensor.bytes()));
}

}  // namespace scnn::test
