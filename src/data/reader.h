#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

struct gzFile_s;

namespace scnn {

/// Reads a file, gzip or plain, from front to back.  Every failure is an Error(data) that names the file, what was
/// found and what was expected, and how to get a good one.
class Reader {
 public:
  /// `remedy` ends every message.
  Reader(std::filesystem::path path, std::string remedy);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  /// Fills `out`; `what` names it in the message when the file ends first.
  void read(std::span<std::uint8_t> out, const std::string& what);
  std::uint32_t read_big_endian(const std::string& what);
  /// The file must be over here, and its gzip checksum right.
  void expect_end(const std::string& what);
  /// No file of this size on disk can hold more content than this (gzip shrinks at most 1032 fold).
  [[nodiscard]] std::uint64_t content_limit() const noexcept { return content_limit_; }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  /// Up to out.size() bytes; fewer at the end of the file.
  std::size_t read_some(std::span<std::uint8_t> out);

  std::filesystem::path path_;
  std::string remedy_;
  std::uint64_t content_limit_ = 0;
  std::uint64_t position_ = 0;
  gzFile_s* file_ = nullptr;
};

}  // namespace scnn
