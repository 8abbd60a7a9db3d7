#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace scnn {

/// A file that grows by whole lines or records; each is one write, so that a kill tears at most the last.
class AppendFile {
 public:
  /// Opens or makes the file.  Error(run_folder) naming the path, the system's reason and the remedy.
  explicit AppendFile(std::filesystem::path path);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  /// Appends `text` and a newline.  Error(run_folder).
  void line(std::string_view text) { bytes(std::string(text) + '\n'); }
  /// Appends `content` as it is.  Error(run_folder).
  void bytes(std::string_view content);
  /// Keeps the lines for which `keep` holds; a torn last line goes.  The file is replaced as a whole.
  void cut(const std::function<bool(std::string_view)>& keep);
  [[nodiscard]] bool empty() const;

 private:
  void open();
  void close() noexcept;

  std::filesystem::path path_;
  int fd_ = -1;
};

/// Reads the lines that a file has gained.
class LineFollower {
 public:
  explicit LineFollower(std::filesystem::path path) : path_(std::move(path)) {}

  /// True where the file is another one or shorter than before: what was read is void, and `use` sees it from the
  /// beginning at the next call.
  [[nodiscard]] bool replaced();
  void read(const std::function<void(std::string_view)>& use);

 private:
  std::filesystem::path path_;
  std::int64_t offset_ = 0;
  ino_t inode_ = 0;
};

/// The complete lines of a text.
void for_each_line(std::string_view text, const std::function<void(std::string_view)>& use);

}  // namespace scnn
