#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "scnn/core/error.h"

/// Bytes go into a reader; it reads them or throws an Error of its documented kind.  Anything else ends the fuzzer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace scnn::test {

inline void must(bool condition) {
  if (!condition) std::abort();
}

template <class F>
void reads_or_refuses(ErrorKind kind, const F& read) {
  try {
    read();
  } catch (const Error& error) {
    must(error.kind() == kind);
  }
}

/// A safetensors file of a header, up to the last bracket of its object, and data: the right length before them.
inline std::vector<std::uint8_t> with_header_length(std::span<const std::uint8_t> bytes) {
  std::size_t depth = 0;
  std::uint64_t header = bytes.size();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '{') ++depth;
    if (bytes[i] == '}' && depth > 0 && --depth == 0) {
      header = i + 1;
      while (header < bytes.size() && bytes[header] == ' ') ++header;
      break;
    }
  }
  std::vector<std::uint8_t> whole(8);
  std::memcpy(whole.data(), &header, 8);
  whole.insert(whole.end(), bytes.begin(), bytes.end());
  return whole;
}

/// A file of this process in memory.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : path_("/dev/shm/scnn-fuzz-" + std::to_string(::getpid()) + name) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::filesystem::path& write(const std::uint8_t* data, std::size_t size) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    return path_;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace scnn::test
