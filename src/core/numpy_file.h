#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scnn/core/error.h"

namespace scnn {

/// An array of numbers as NumPy saves it, in C order and little-endian.
struct NumpyArray {
  std::string where;  ///< "set.npz: x_train": opens messages
  std::vector<std::int64_t> shape;
  char kind = 'f';        ///< b: bool, u: unsigned, i: signed, f: floating point
  std::size_t width = 4;  ///< bytes of an element
  std::vector<std::byte> data;

  [[nodiscard]] std::size_t size() const { return width == 0 ? 0 : data.size() / width; }
  /// "uint8"
  [[nodiscard]] std::string type() const;
  /// "(60000, 28, 28)"
  [[nodiscard]] std::string shape_text() const;
  /// Element `i` in C order, as the nearest double.
  [[nodiscard]] double number(std::size_t i) const;
};

/// An .npy file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3.  Error(kind)
/// naming the file and what is wrong: objects, text, big-endian numbers, a header that does not fit the size.  Takes no
/// memory before the size is known to fit.
[[nodiscard]] NumpyArray read_npy(const std::filesystem::path& path, ErrorKind kind);

/// An .npz file: a zip archive of .npy files, stored or deflated, zip64 included.  Error(kind) naming file and member
/// on whatever is damaged, encrypted, truncated or overlaps, and on contents whose CRC is wrong.
class NpzFile {
 public:
  NpzFile(const std::filesystem::path& path, ErrorKind kind);
  ~NpzFile();
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  /// Of its arrays, without ".npy", in the archive's order.
  [[nodiscard]] const std::vector<std::string>& names() const;
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] NumpyArray read(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scnn
