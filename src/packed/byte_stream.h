#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scnn/core/error.h"

/// The alphabet of the packed file: bytes, LEB128 numbers, little-endian floats, bit masks.
namespace scnn::deploy {

static_assert(std::endian::native == std::endian::little, "floats are copied as they lie: little-endian only");

inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

class Writer {
 public:
  void byte(std::uint64_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) byte((value & 0x7FU) | 0x80U);
    byte(value);
  }
  void raw(const void* data, std::size_t size) {
    const std::size_t end = bytes_.size();
    bytes_.resize(end + size);
    if (size > 0) std::memcpy(bytes_.data() + end, data, size);
  }
  void floats(std::span<const float> values) { raw(values.data(), values.size_bytes()); }
  void real(float value) { floats({&value, 1}); }
  void string(std::string_view text) {
    varint(text.size());
    raw(text.data(), text.size());
  }
  /// Bit i of byte i / 8 is bits[i].
  void mask(const std::vector<bool>& bits) {
    for (std::size_t i = 0; i < bits.size(); ++i) bit(bits[i] ? 1 : 0, 1);
    flush_bits();
  }
  /// The low `width` bits of `value`, lowest first; flush_bits() ends a run of them at a whole byte.
  void bit(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) {
      pending_ |= static_cast<unsigned>((value >> static_cast<unsigned>(i)) & 1U) << static_cast<unsigned>(count_);
      if (++count_ == 8) flush_bits();
    }
  }
  void flush_bits() {
    if (count_ > 0) byte(pending_);
    pending_ = 0;
    count_ = 0;
  }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  unsigned pending_ = 0;
  int count_ = 0;
};

/// Reads what Writer wrote; every read is checked and every failure is Error(checkpoint) naming `where` and the place.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  [[noreturn]] void fail(const std::string& what) const {
    const std::string place = place_.empty() ? "" : " in " + place_;
    throw Error(ErrorKind::checkpoint, where_ + ": damaged model file: " + what + place + " at byte " +
                                           std::to_string(position_) + "; export or copy the file again");
  }
  /// Names the part being read in later messages.
  void enter(std::string place) { place_ = std::move(place); }

  [[nodiscard]] std::span<const std::byte> raw(std::uint64_t size) {
    if (size > left()) {
      fail("it ends too early: " + std::to_string(size) + " bytes needed, " + std::to_string(left()) + " left");
    }
    const auto part = bytes_.subspan(position_, static_cast<std::size_t>(size));
    position_ += static_cast<std::size_t>(size);
    return part;
  }
  [[nodiscard]] unsigned byte() { return std::to_integer<unsigned>(raw(1)[0]); }
  /// At most `limit`; `what` names the number in the message.  The shortest form only.
  [[nodiscard]] std::uint64_t varint(std::uint64_t limit, const char* what) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      const unsigned next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7FU) << shift;
      if (next < 0x80) {
        if (next == 0 && shift > 0) fail(std::string(what) + " is not in its shortest form");
        if (value > limit) {
          fail(std::string(what) + " is " + std::to_string(value) + ", the limit is " + std::to_string(limit));
        }
        return value;
      }
    }
    fail(std::string(what) + " has too many digits");
  }
  [[nodiscard]] std::vector<float> floats(std::uint64_t count) {
    if (count > left() / sizeof(float)) {
      fail("it ends too early: " + std::to_string(count) + " numbers needed, " + std::to_string(left()) +
           " bytes left");
    }
    const auto part = raw(count * sizeof(float));
    std::vector<float> values(static_cast<std::size_t>(count));
    if (count > 0) std::memcpy(values.data(), part.data(), part.size());
    for (const float value : values) {
      if (!std::isfinite(value)) fail("a number is not finite");
    }
    return values;
  }
  [[nodiscard]] float real() { return floats(1).front(); }
  [[nodiscard]] std::string string(std::uint64_t limit, const char* what) {
    const auto part = raw(varint(limit, what));
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  [[nodiscard]] std::vector<bool> mask(std::uint64_t count) {
    begin_bits((count + 7) / 8);
    std::vector<bool> bits(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = bit(1) != 0;
    end_bits();
    return bits;
  }
  /// A run of bits that takes `size` bytes; end_bits() checks that the rest of the last byte is 0.
  void begin_bits(std::uint64_t size) {
    run_ = raw(size);
    next_bit_ = 0;
  }
  [[nodiscard]] std::uint64_t bit(int width) {
    std::uint64_t value = 0;
    for (int i = 0; i < width; ++i, ++next_bit_) {
      const auto source = std::to_integer<unsigned>(run_[next_bit_ / 8]) >> (next_bit_ % 8);
      value |= static_cast<std::uint64_t>(source & 1U) << static_cast<unsigned>(i);
    }
    return value;
  }
  void end_bits() {
    while (next_bit_ < run_.size() * 8) {
      if (bit(1) != 0) fail("padding bits are not 0");
    }
  }

  [[nodiscard]] std::size_t left() const { return bytes_.size() - position_; }
  [[nodiscard]] std::size_t position() const { return position_; }

 private:
  std::span<const std::byte> bytes_, run_;
  const std::string& where_;
  std::string place_;
  std::size_t position_ = 0, next_bit_ = 0;
};

}  // namespace scnn::deploy
