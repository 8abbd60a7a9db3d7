#include "core/zip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace scnn {
namespace {

constexpr std::uint64_t end_bytes = 22, locator_bytes = 20, end64_bytes = 56, entry_bytes = 46, local_bytes = 30;
constexpr std::uint64_t longest_comment = 65535;
constexpr std::uint64_t deflate_gain = 1032;  // no deflated byte holds more content than this
constexpr std::uint64_t most_directory_bytes = std::uint64_t{64} << 20U;
constexpr std::uint32_t in_zip64 = 0xFFFFFFFFU;

std::uint64_t number(std::span<const std::byte> bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, width);
  return value;
}

/// Sizes and offset that did not fit 32 bits stand in extra field 1, in this order.
bool read_zip64(std::span<const std::byte> extra, ZipMember& member) {
  std::array<std::uint64_t*, 3> wanted{&member.size, &member.packed, &member.offset};
  if (std::ranges::none_of(wanted, [](const std::uint64_t* v) { return *v == in_zip64; })) return true;
  while (extra.size() >= 4) {
    const std::uint64_t id = number(extra, 0, 2), length = number(extra, 2, 2);
    if (length > extra.size() - 4) return false;
    if (id == 1) {
      std::span<const std::byte> field = extra.subspan(4, length);
      for (std::uint64_t* value : wanted) {
        if (*value != in_zip64) continue;
        if (field.size() < 8) return false;
        *value = number(field, 0, 8);
        field = field.subspan(8);
      }
      return true;
    }
    extra = extra.subspan(4 + length);
  }
  return false;
}

}  // namespace

ZipFile::ZipFile(std::filesystem::path path, ErrorKind kind) : path_(std::move(path)), kind_(kind) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path_, code)) fail("there is no such file");
  size_ = std::filesystem::file_size(path_, code);
  in_.open(path_, std::ios::binary);
  if (code || !in_) fail("it cannot be read");
  read_directory();
  check_overlaps();
}

void ZipFile::fail(const std::string& what) const { throw Error(kind_, path_.string() + ": " + what); }

void ZipFile::read_at(std::uint64_t position, std::span<std::byte> out) {
  if (position > size_ || out.size() > size_ - position) fail("damaged zip archive: it ends too early");
  in_.clear();
  in_.seekg(static_cast<std::streamoff>(position));
  in_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  if (static_cast<std::size_t>(in_.gcount()) != out.size()) fail("it cannot be read to its end");
}

void ZipFile::read_directory() {
  std::vector<std::byte> tail(std::min(size_, end_bytes + longest_comment));
  read_at(size_ - tail.size(), tail);
  std::size_t at = tail.size();
  for (std::size_t i = tail.size() < end_bytes ? 0 : tail.size() - end_bytes + 1; i-- > 0;) {
    if (number(tail, i, 4) == 0x06054B50 && number(tail, i + 20, 2) == tail.size() - end_bytes - i) {
      at = i;
      break;
    }
  }
  if (at == tail.size()) fail("no zip archive, or one that was cut off: it has no end record");
  std::uint64_t count = number(tail, at + 10, 2), length = number(tail, at + 12, 4);
  directory_ = number(tail, at + 16, 4);
  std::uint64_t limit = size_ - tail.size() + at;
  if (count == 0xFFFF || length == in_zip64 || directory_ == in_zip64) {
    std::array<std::byte, locator_bytes> locator{};
    std::array<std::byte, end64_bytes> end{};
    if (limit < locator_bytes) fail("damaged zip archive: it has no zip64 locator");
    read_at(limit - locator_bytes, locator);
    if (number(locator, 0, 4) != 0x07064B50) fail("damaged zip archive: it has no zip64 locator");
    limit = number(locator, 8, 8);
    read_at(limit, end);
    if (number(end, 0, 4) != 0x06064B50) fail("damaged zip archive: it has no zip64 end record");
    count = number(end, 32, 8), length = number(end, 40, 8), directory_ = number(end, 48, 8);
  }
  if (directory_ > limit || length > limit - directory_ || length > most_directory_bytes) {
    fail("damaged zip archive: its directory lies outside the file");
  }
  std::vector<std::byte> directory(length);
  read_at(directory_, directory);
  std::span<const std::byte> left(directory);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (left.size() < entry_bytes || number(left, 0, 4) != 0x02014B50)
      fail("damaged zip archive: its directory is cut off");
    const std::uint64_t name = number(left, 28, 2), extra = number(left, 30, 2), comment = number(left, 32, 2);
    if (name + extra + comment > left.size() - entry_bytes) fail("damaged zip archive: its directory is cut off");
    ZipMember member;
    member.name.assign(reinterpret_cast<const char*>(left.data()) + entry_bytes, name);
    member.checksum = static_cast<std::uint32_t>(number(left, 16, 4));
    member.packed = number(left, 20, 4), member.size = number(left, 24, 4), member.offset = number(left, 42, 4);
    const std::uint64_t flags = number(left, 8, 2), method = number(left, 10, 2);
    if ((flags & 1U) != 0) fail(member.name + " is encrypted");
    if (method != 0 && method != 8)
      fail(member.name + " is packed by method " + std::to_string(method) + ", not stored or deflated");
    member.deflated = method == 8;
    if (!read_zip64(left.subspan(entry_bytes + name, extra), member))
      fail("damaged zip archive: sizes of " + member.name);
    if (member.packed > size_ ||
        (member.deflated ? member.size / deflate_gain > member.packed : member.size != member.packed)) {
      fail("damaged zip archive: " + member.name + " claims " + std::to_string(member.size) + " bytes in " +
           std::to_string(member.packed));
    }
    members_.push_back(std::move(member));
    left = left.subspan(entry_bytes + name + extra + comment);
  }
}

void ZipFile::check_overlaps() {
  std::vector<const ZipMember*> order;
  for (const ZipMember& member : members_) order.push_back(&member);
  std::ranges::sort(order, {}, &ZipMember::offset);
  std::uint64_t end = 0;
  for (const ZipMember* member : order) {
    if (member->offset < end) fail("damaged zip archive: " + member->name + " overlaps another member");
    end = content_of(*member) + member->packed;
    if (end > directory_) fail("damaged zip archive: " + member->name + " runs into the directory");
  }
}

std::uint64_t ZipFile::content_of(const ZipMember& member) {
  std::array<std::byte, local_bytes> local{};
  read_at(member.offset, local);
  if (number(local, 0, 4) != 0x04034B50) fail("damaged zip archive: " + member.name + " has no header");
  return member.offset + local_bytes + number(local, 26, 2) + number(local, 28, 2);
}

struct ZipFile::Stream::Inflater {
  z_stream stream{};
  std::vector<std::byte> buffer = std::vector<std::byte>(std::size_t{1} << 16U);
  bool over = false;
};

ZipFile::Stream::Stream(ZipFile& file, const ZipMember& member)
    : file_(file), member_(member), position_(file.content_of(member)), end_(position_ + member.packed) {
  if (!member.deflated) return;
  inflater_ = std::make_unique<Inflater>();
  if (inflateInit2(&inflater_->stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

ZipFile::Stream::~Stream() {
  if (inflater_) inflateEnd(&inflater_->stream);
}

void ZipFile::Stream::read(std::span<std::byte> out) {
  if (out.empty()) return;  // to zlib's checksum, no bytes is a new beginning
  if (out.size() > member_.size - done_) file_.fail("damaged: " + member_.name + " ends too early");
  if (inflater_) {
    read_deflated(out);
  } else {
    file_.read_at(position_, out);
    position_ += out.size();
  }
  done_ += out.size();
  checksum_ = static_cast<std::uint32_t>(crc32_z(checksum_, reinterpret_cast<const Bytef*>(out.data()), out.size()));
}

void ZipFile::Stream::read_deflated(std::span<std::byte> out) {
  z_stream& z = inflater_->stream;
  while (!out.empty()) {
    if (z.avail_in == 0 && position_ < end_) {
      const auto part =
          std::span(inflater_->buffer).first(std::min<std::uint64_t>(inflater_->buffer.size(), end_ - position_));
      file_.read_at(position_, part);
      position_ += part.size();
      z.next_in = reinterpret_cast<Bytef*>(part.data());
      z.avail_in = static_cast<uInt>(part.size());
    }
    const auto room = static_cast<uInt>(std::min<std::size_t>(out.size(), std::size_t{1} << 30U));
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = room;
    const int status = inflate(&z, Z_NO_FLUSH);
    out = out.subspan(room - z.avail_out);
    if (status == Z_STREAM_END && out.empty()) return;
    if (status != Z_OK) file_.fail("damaged: " + member_.name + " cannot be unpacked");
  }
}

void ZipFile::Stream::finish() {
  if (done_ != member_.size) {
    file_.fail("damaged: " + member_.name + " has " + std::to_string(member_.size - done_) +
               " bytes more than its header says");
  }
  if (checksum_ != member_.checksum) file_.fail("damaged: the checksum of " + member_.name + " is wrong");
}

}  // namespace scnn
