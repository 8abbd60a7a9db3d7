#include "core/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace scnn {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::run_folder, "cannot write " + path.string() + ": " + what + ": " + std::strerror(errno) +
                                         "; free some space or choose another place");
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<Descriptor> lock_file(const std::filesystem::path& path) {
  // Open for writing: NFS locks nothing else.
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return std::nullopt;
  return file;
}

std::vector<std::byte> read_file(const std::filesystem::path& path, ErrorKind kind) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) throw Error(kind, path.string() + " is a folder, not a file");
  if (std::filesystem::exists(path, code) && !std::filesystem::is_regular_file(path, code)) {
    throw Error(kind, path.string() + " is no regular file");  // and opening a pipe would wait
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(kind, "cannot read " + path.string() + ": " + std::strerror(errno));
  std::vector<std::byte> content;
  const auto size = std::filesystem::file_size(path, code);
  if (!code) content.resize(size);
  in.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  if (static_cast<std::size_t>(in.gcount()) != content.size()) throw Error(kind, "cannot read all of " + path.string());
  return content;
}

std::string read_text(const std::filesystem::path& path, ErrorKind kind) {
  const std::vector<std::byte> content = read_file(path, kind);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> content) {
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  const auto give_up = [&](const char* what) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    errno = reason;
    fail(path, what);
  };
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (file.get() < 0) fail(temporary, "open");
    std::size_t done = 0;
    while (done < content.size()) {
      const ssize_t n = ::write(file.get(), content.data() + done, content.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) give_up("write");
      done += static_cast<std::size_t>(n);
    }
    if (::fsync(file.get()) != 0) give_up("fsync");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) give_up("rename");
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) ::fsync(parent.get());
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  write_file(path, std::as_bytes(std::span(content.data(), content.size())));
}

std::uint64_t hash64(std::span<const std::byte> content) noexcept {
  return XXH3_64bits(content.data(), content.size());
}

std::string hex64(std::uint64_t value) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4) text[static_cast<std::size_t>(i)] = digits[value & 15U];
  return text;
}

}  // namespace scnn
