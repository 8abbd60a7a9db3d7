#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
