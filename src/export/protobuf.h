#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "packed/byte_stream.h"

namespace scnn::deploy {

/// One message in the protobuf wire format (https://protobuf.dev/programming-guides/encoding), as far as ONNX needs it.
class Message {
 public:
  void number(unsigned field, std::uint64_t value) {
    out_.varint(field << 3U);
    out_.varint(value);
  }
  void bytes(unsigned field, std::span<const std::byte> value) {
    out_.varint(field << 3U | 2U);
    out_.varint(value.size());
    out_.raw(value.data(), value.size());
  }
  void text(unsigned field, std::string_view value) { bytes(field, std::as_bytes(std::span(value))); }
  void message(unsigned field, const Message& value) { bytes(field, value.out_.bytes()); }

  [[nodiscard]] const std::vector<std::byte>& content() const { return out_.bytes(); }

 private:
  Writer out_;
};

}  // namespace scnn::deploy
