#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "scnn/core/error.h"
#include "temporary_folder.h"

/// Small data sets written by the tests themselves.
namespace scnn::test {

/// Gzip where the name ends in .gz.
inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  if (path.extension() == ".gz") {
    const gzFile file = gzopen(path.c_str(), "wb");
    REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
    REQUIRE(gzclose(file) == Z_OK);
  } else {
    std::ofstream(path, std::ios::binary) << bytes;
  }
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U),
          static_cast<char>(value)};
}

/// Pixel p of image i is (37 * i + p) % 256.
inline std::string idx_images(std::uint32_t n, std::uint32_t h, std::uint32_t w) {
  std::string bytes = big_endian(0x803) + big_endian(n) + big_endian(h) + big_endian(w);
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t p = 0; p < h * w; ++p) bytes += static_cast<char>(37 * i + p);
  }
  return bytes;
}

/// Label i is i % 10.
inline std::string idx_labels(std::uint32_t n) {
  std::string bytes = big_endian(0x801) + big_endian(n);
  for (std::uint32_t i = 0; i < n; ++i) bytes += static_cast<char>(i % 10);
  return bytes;
}

/// A set of `train` and `test` images of 3 x 5 pixels in MNIST's files.
inline void write_idx_set(const std::filesystem::path& folder, std::uint32_t train, std::uint32_t test,
                          const std::string& suffix = ".gz") {
  write_bytes(folder / ("train-images-idx3-ubyte" + suffix), idx_images(train, 3, 5));
  write_bytes(folder / ("train-labels-idx1-ubyte" + suffix), idx_labels(train));
  write_bytes(folder / ("t10k-images-idx3-ubyte" + suffix), idx_images(test, 3, 5));
  write_bytes(folder / ("t10k-labels-idx1-ubyte" + suffix), idx_labels(test));
}

/// Rows of CIFAR: byte p of the planes of image i is (first + i + 7 * p) % 256; label (first + i) % 10.
inline std::string cifar_rows(int first, int n, const std::string& coarse = "") {
  std::string bytes;
  for (int i = first; i < first + n; ++i) {
    bytes += coarse + static_cast<char>(i % 10);
    for (int p = 0; p < 3072; ++p) bytes += static_cast<char>(i + 7 * p);
  }
  return bytes;
}

inline void write_cifar10(const std::filesystem::path& folder) {
  for (int batch = 1; batch <= 5; ++batch) {
    write_bytes(folder / ("data_batch_" + std::to_string(batch) + ".bin"), cifar_rows(2 * (batch - 1), 2));
  }
  write_bytes(folder / "test_batch.bin", cifar_rows(100, 3));
}

/// The message of the Error of `kind` that `call` throws.
template <class Call>
std::string error_of(ErrorKind kind, Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "no error";
}

}  // namespace scnn::test
