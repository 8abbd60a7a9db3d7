#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scnn/core/error.h"

namespace scnn {

/// A file of a zip archive.
struct ZipMember {
  std::string name;
  std::uint64_t offset = 0;  ///< of its local header
  std::uint64_t packed = 0;  ///< bytes in the archive
  std::uint64_t size = 0;    ///< bytes of its content
  std::uint32_t checksum = 0;
  bool deflated = false;
};

/// A zip archive (PKWARE APPNOTE 6.3: stored and deflated members, zip64).  Sizes are those of the central directory,
/// checked against the file before anything is read.
class ZipFile {
 public:
  /// Error(kind) where it is no archive that can be trusted.
  ZipFile(std::filesystem::path path, ErrorKind kind);

  [[nodiscard]] const std::vector<ZipMember>& members() const { return members_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[noreturn]] void fail(const std::string& what) const;

  /// Reads a member's content from front to back.
  class Stream {
   public:
    Stream(ZipFile& file, const ZipMember& member);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    /// Fills `out`; Error(kind) where the content ends first.
    void read(std::span<std::byte> out);
    /// The content must be over, and its checksum right.
    void finish();

   private:
    struct Inflater;
    void read_deflated(std::span<std::byte> out);
    ZipFile& file_;
    const ZipMember& member_;
    std::uint64_t position_ = 0, end_ = 0;  ///< in the archive
    std::uint64_t done_ = 0;                ///< bytes of content given out
    std::uint32_t checksum_ = 0;
    std::unique_ptr<Inflater> inflater_;
  };

 private:
  void read_at(std::uint64_t position, std::span<std::byte> out);
  void read_directory();
  void check_overlaps();
  /// Where the content of a member begins.
  [[nodiscard]] std::uint64_t content_of(const ZipMember& member);

  std::filesystem::path path_;
  ErrorKind kind_;
  std::ifstream in_;
  std::uint64_t size_ = 0, directory_ = 0;
  std::vector<ZipMember> members_;
};

}  // namespace scnn
