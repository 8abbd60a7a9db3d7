#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scnn/core/error.h"

namespace scnn {

/// The whole file.  Error(kind) naming the path and the system's reason.
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path, ErrorKind kind);
[[nodiscard]] std::string read_text(const std::filesystem::path& path, ErrorKind kind);

/// Replaces `path` so that a crash at any moment leaves the old or the new content: temporary file beside it, fsync,
/// rename, folder fsync.  Error(run_folder) naming the path and the system's reason.
void write_file(const std::filesystem::path& path, std::span<const std::byte> content);
void write_file(const std::filesystem::path& path, std::string_view content);

/// XXH3 64-bit hash (xxHash).
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> content) noexcept;
/// 16 hexadecimal digits.
[[nodiscard]] std::string hex64(std::uint64_t value);

}  // namespace scnn
