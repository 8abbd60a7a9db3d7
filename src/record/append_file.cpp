#include "record/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "core/file.h"

namespace scnn {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw Error(ErrorKind::run_folder, "cannot " + std::string(what) + " " + path.string() + ": " + std::strerror(errno) +
                                         "; free some space or choose another place");
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path) : path_(std::move(path)) { open(); }

AppendFile::~AppendFile() { close(); }

void AppendFile::open() {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) fail(path_, "open");
}

void AppendFile::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void AppendFile::bytes(std::string_view whole) {
  std::size_t done = 0;
  while (done < whole.size()) {
    const ssize_t n = ::write(fd_, whole.data() + done, whole.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path_, "write");
    done += static_cast<std::size_t>(n);
  }
}

void AppendFile::cut(const std::function<bool(std::string_view)>& keep) {
  const std::string text = read_text(path_, ErrorKind::run_folder);
  std::string kept;
  for_each_line(text, [&](std::string_view line) {
    if (keep(line)) kept.append(line).append("\n");
  });
  if (kept == text) return;
  close();
  write_file(path_, kept);
  open();
}

bool AppendFile::empty() const {
  struct stat status = {};
  return ::fstat(fd_, &status) == 0 && status.st_size == 0;
}

bool LineFollower::replaced() {
  struct stat status = {};
  if (::stat(path_.c_str(), &status) != 0) return false;
  const bool other = offset_ > 0 && (status.st_ino != inode_ || status.st_size < offset_);
  if (other) offset_ = 0;
  inode_ = status.st_ino;
  return other;
}

void LineFollower::read(const std::function<void(std::string_view)>& use) {
  std::ifstream file(path_, std::ios::binary);
  if (!file.seekg(offset_)) return;
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const std::size_t whole = text.rfind('\n');
  if (whole == std::string::npos) return;
  offset_ += static_cast<std::int64_t>(whole) + 1;
  for_each_line(text, use);
}

void for_each_line(std::string_view text, const std::function<void(std::string_view)>& use) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    use(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

}  // namespace scnn
