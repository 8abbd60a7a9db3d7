#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scnn/core/error.h"

namespace scnn {

/// The whole of a regular file.  Error(kind) naming the path and the system's reason.
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path, ErrorKind kind);
[[nodiscard]] std::string read_text(const std::filesystem::path& path, ErrorKind kind);

/// Replaces `path` so that a crash at any moment leaves the old or the new content: temporary file beside it, fsync,
/// rename, folder fsync.  Error(run_folder) naming the path and the system's reason.
void write_file(const std::filesystem::path& path, std::span<const std::byte> content);
void write_file(const std::filesystem::path& path, std::string_view content);

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// Takes a file, which is made where there is none, by flock until the result, and what a child process inherited of
/// it, is closed; nothing where somebody else has it.  Where there are no locks, or the file cannot be opened,
/// everybody gets it.
[[nodiscard]] std::optional<Descriptor> lock_file(const std::filesystem::path& path);

/// XXH3 64-bit hash (xxHash).
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> content) noexcept;
/// 16 hexadecimal digits.
[[nodiscard]] std::string hex64(std::uint64_t value);

}  // namespace scnn
