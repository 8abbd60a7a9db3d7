#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace scnn {

// The file format of TensorBoard: TFRecord frames, each with one `Event` message of tensorflow/core/util/event.proto in
// protobuf's wire format.  Only what the sink needs is written.

/// CRC-32C (Castagnoli; reflected polynomial 0x82f63b78) of `data`.
[[nodiscard]] std::uint32_t crc32c(std::string_view data) noexcept;

/// One TFRecord: length (u64), its masked CRC (u32), data, its masked CRC (u32), little-endian.  A CRC is masked as
/// ((crc >> 15) | (crc << 17)) + 0xa282ead8.
[[nodiscard]] std::string tf_record(std::string_view data);

/// One Event: wall_time = 1 (double, seconds since 1970), step = 2 (int64), and one of file_version = 3, summary = 5,
/// session_log = 7.
class EventMessage {
 public:
  EventMessage(double wall_time, std::int64_t step);

  /// "brain.Event:2", which begins a file.
  void file_version();
  /// SessionLog{status: START}: a reader drops what earlier files hold of this step and later ones.
  void session_start();
  /// Summary.Value{tag = 1, simple_value = 2 (float)}
  void scalar(std::string_view tag, double value);
  /// Summary.Value{tag = 1, histo = 5}, the counts in buckets of `width`; `values` must not be empty.
  void histogram(std::string_view tag, std::span<const float> values, double width);

  /// The message, serialized.
  [[nodiscard]] std::string str() const;

 private:
  std::string head_, summary_;
};

}  // namespace scnn
