#include "record/event_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace scnn {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    table[i] = crc;
  }
  return table;
}();

template <class Word>
void put_word(std::string& out, Word word) {
  for (std::size_t i = 0; i < sizeof(Word); ++i) out += static_cast<char>((word >> (8 * i)) & 0xffU);
}

// Protobuf's wire format: a key (field number << 3 | wire type), then the value.
enum class Wire : unsigned { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

void put_key(std::string& out, unsigned field, Wire wire) { put_varint(out, field << 3 | static_cast<unsigned>(wire)); }

void put_double(std::string& out, unsigned field, double value) {
  put_key(out, field, Wire::fixed64);
  put_word(out, std::bit_cast<std::uint64_t>(value));
}

void put_bytes(std::string& out, unsigned field, std::string_view value) {
  put_key(out, field, Wire::bytes);
  put_varint(out, value.size());
  out += value;
}

void put_doubles(std::string& out, unsigned field, const std::vector<double>& values) {
  std::string packed;
  for (const double value : values) put_word(packed, std::bit_cast<std::uint64_t>(value));
  put_bytes(out, field, packed);
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

}  // namespace

std::uint32_t crc32c(std::string_view data) noexcept {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : data) crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xffU];
  return ~crc;
}

std::string tf_record(std::string_view data) {
  std::string out;
  put_word(out, std::uint64_t{data.size()});
  put_word(out, masked(crc32c(out)));
  out += data;
  put_word(out, masked(crc32c(data)));
  return out;
}

EventMessage::EventMessage(double wall_time, std::int64_t step) {
  put_double(head_, 1, wall_time);
  put_key(head_, 2, Wire::varint);
  put_varint(head_, static_cast<std::uint64_t>(step));
}

void EventMessage::file_version() { put_bytes(head_, 3, "brain.Event:2"); }

void EventMessage::session_start() {
  std::string log;
  put_key(log, 1, Wire::varint);
  put_varint(log, 1);
  put_bytes(head_, 7, log);
}

void EventMessage::scalar(std::string_view tag, double value) {
  std::string one;
  put_bytes(one, 1, tag);
  put_key(one, 2, Wire::fixed32);
  put_word(one, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  put_bytes(summary_, 1, one);
}

void EventMessage::histogram(std::string_view tag, std::span<const float> values, double width) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double first = std::floor(*low / width);
  std::vector<double> limits, counts;
  for (double bucket = first; bucket <= std::floor(*high / width); ++bucket) limits.push_back((bucket + 1) * width);
  counts.resize(limits.size());
  double sum = 0, squares = 0;
  for (const double value : values) {
    counts[static_cast<std::size_t>(std::floor(value / width) - first)] += 1;
    sum += value;
    squares += value * value;
  }
  std::string histo;
  put_double(histo, 1, *low);
  put_double(histo, 2, *high);
  put_double(histo, 3, static_cast<double>(values.size()));
  put_double(histo, 4, sum);
  put_double(histo, 5, squares);
  put_doubles(histo, 6, limits);
  put_doubles(histo, 7, counts);
  std::string one;
  put_bytes(one, 1, tag);
  put_bytes(one, 5, histo);
  put_bytes(summary_, 1, one);
}

std::string EventMessage::str() const {
  std::string out = head_;
  if (!summary_.empty()) put_bytes(out, 5, summary_);
  return out;
}

}  // namespace scnn
