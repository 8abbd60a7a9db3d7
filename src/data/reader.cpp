#include "data/reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "scnn/core/error.h"

namespace scnn {

Reader::Reader(std::filesystem::path path, std::string remedy) : path_(std::move(path)), remedy_(std::move(remedy)) {
  std::error_code code;
  const std::uint64_t size = std::filesystem::file_size(path_, code);
  errno = code.value();
  if (!code) file_ = gzopen(path_.c_str(), "rb");
  if (file_ == nullptr) fail(std::string("cannot read it: ") + std::strerror(errno));
  gzbuffer(file_, 1U << 18U);
  content_limit_ = gzdirect(file_) == 1 ? size : size * 1032;
}

Reader::~Reader() {
  if (file_ != nullptr) gzclose(file_);
}

void Reader::fail(const std::string& what) const {
  throw Error(ErrorKind::data, path_.string() + ": " + what + "; " + remedy_);
}

std::size_t Reader::read_some(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto chunk = static_cast<unsigned>(std::min<std::size_t>(out.size() - done, 1U << 24U));
    const int n = gzread(file_, out.data() + done, chunk);
    int status = Z_OK;
    std::string message = gzerror(file_, &status);
    if (n < 0 || (status != Z_OK && status != Z_STREAM_END)) {
      if (message.starts_with(path_.string() + ": ")) message.erase(0, path_.string().size() + 2);
      fail("damaged gzip data: " + message);
    }
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  position_ += done;
  return done;
}

void Reader::read(std::span<std::uint8_t> out, const std::string& what) {
  const std::uint64_t begin = position_;
  const std::size_t found = read_some(out);
  if (found == out.size()) return;
  fail("it ends after " + std::to_string(begin + found) + " bytes of content, expected " +
       std::to_string(begin + out.size()) + " (" + what + ")");
}

std::uint32_t Reader::read_big_endian(const std::string& what) {
  std::array<std::uint8_t, 4> bytes{};
  read(bytes, what);
  return (static_cast<std::uint32_t>(bytes[0]) << 24U) | (static_cast<std::uint32_t>(bytes[1]) << 16U) |
         (static_cast<std::uint32_t>(bytes[2]) << 8U) | bytes[3];
}

void Reader::expect_end(const std::string& what) {
  std::array<std::uint8_t, 1> more{};
  const std::uint64_t end = position_;
  if (read_some(more) != 0) {
    fail("there is more content after the " + std::to_string(end) + " bytes expected (" + what + ")");
  }
}

}  // namespace scnn
