#include "record/event_file.h"

#include <cstring>
#include <vector>

#include "catch.h"

using namespace scnn;

TEST_CASE("CRC-32C agrees with the published values") {
  // RFC 3720, B.4, and the usual check value.
  REQUIRE(crc32c("123456789") == 0xe3069283U);
  REQUIRE(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  REQUIRE(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
}

TEST_CASE("a record is length, masked checksum, data, masked checksum") {
  const std::string record = tf_record("abc");
  REQUIRE(record.size() == 8 + 4 + 3 + 4);
  REQUIRE(record.substr(0, 8) == std::string("\3\0\0\0\0\0\0\0", 8));
  std::uint32_t stored = 0;
  std::memcpy(&stored, record.data() + 15, 4);
  const std::uint32_t rotated = stored - 0xa282ead8U;
  REQUIRE(((rotated << 15) | (rotated >> 17)) == crc32c("abc"));
}

TEST_CASE("messages are those bytes of the wire format") {
  EventMessage event(0.0, 300);
  event.file_version();
  // 09 + 8 bytes of 0.0; 10 ac 02: step 300; 1a 0d: text of 13 bytes.
  REQUIRE(event.str() == std::string("\x09\0\0\0\0\0\0\0\0\x10\xac\x02\x1a\x0d", 14) + "brain.Event:2");
  EventMessage one(0.0, 1);
  one.scalar("t", 1.0);
  // Summary 2a, Value 0a, tag 0a 01 't', simple_value 15 and the float.
  REQUIRE(one.str().substr(11) == std::string("\x2a\x0a\x0a\x08\x0a\x01t\x15\x00\x00\x80\x3f", 12));
}
