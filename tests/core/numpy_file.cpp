#include "core/numpy_file.h"

#include <zlib.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>

#include "catch.h"
#include "core/half.h"
#include "temporary_folder.h"

namespace scnn {
namespace {

using test::TemporaryFolder;

template <class T>
std::string little(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// As NumPy writes it, version 1.
std::string npy(const std::string& type, const std::string& shape, const std::string& data, bool fortran = false) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + little(static_cast<std::uint16_t>(header.size())) + header + data;
}

std::string deflated(const std::string& content) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(content.size() + 100, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

struct Member {
  std::string name, content;
  bool deflate = false;
  bool zip64 = false;                ///< sizes in the extra field alone
  std::uint32_t wrong_checksum = 0;  ///< added
  std::int64_t offset = -1;          ///< instead of the right one
  std::int64_t claims = -1;          ///< bytes of content, instead of the right number
};

/// What may be wrong with the end record of an archive whose count, directory or start need 64 bits.
struct End64 {
  std::string locator = "PK\x06\x07", record = "PK\x06\x06";
  std::int64_t at = 0, count = 0, length = 0, start = 0;  ///< added to the right ones
  int fields = 7;                                         ///< that are in the record alone: 1 count, 2 length, 4 start
};

std::string zip(const std::vector<Member>& members, const std::optional<End64>& end64 = std::nullopt) {
  std::string out, directory;
  for (const Member& m : members) {
    const std::string packed = m.deflate ? deflated(m.content) : m.content;
    const auto sum = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(m.content.data()),
                                                      static_cast<uInt>(m.content.size()))) +
                     m.wrong_checksum;
    const auto size =
        static_cast<std::uint64_t>(m.claims >= 0 ? m.claims : static_cast<std::int64_t>(m.content.size()));
    const std::uint64_t offset = m.offset >= 0 ? static_cast<std::uint64_t>(m.offset) : out.size();
    const std::string extra = m.zip64
                                  ? little<std::uint16_t>(1) + little<std::uint16_t>(24) + little<std::uint64_t>(size) +
                                        little<std::uint64_t>(packed.size()) + little<std::uint64_t>(offset)
                                  : "";
    const auto small = [&](std::uint64_t v) { return little(m.zip64 ? 0xFFFFFFFFU : static_cast<std::uint32_t>(v)); };
    const std::string fields = little<std::uint16_t>(45) + little<std::uint16_t>(0) +
                               little<std::uint16_t>(m.deflate ? 8 : 0) + little<std::uint32_t>(0) + little(sum) +
                               small(packed.size()) + small(size) + little(static_cast<std::uint16_t>(m.name.size())) +
                               little(static_cast<std::uint16_t>(extra.size()));
    out += little<std::uint32_t>(0x04034B50) + fields + m.name + extra + packed;
    directory += little<std::uint32_t>(0x02014B50) + little<std::uint16_t>(45) + fields + std::string(10, '\0') +
                 small(offset) + m.name + extra;
  }
  const auto start = static_cast<std::int64_t>(out.size()), length = static_cast<std::int64_t>(directory.size());
  const auto count = static_cast<std::int64_t>(members.size());
  out += directory;
  const int fields = end64 ? end64->fields : 0;
  if (end64) {
    const auto record = static_cast<std::int64_t>(out.size());
    out += end64->record + little<std::uint64_t>(44) + little<std::uint32_t>(0x2D002D) + std::string(8, '\0') +
           little(count + end64->count) + little(count + end64->count) + little(length + end64->length) +
           little(start + end64->start);
    out += end64->locator + std::string(4, '\0') + little(record + end64->at) + little<std::uint32_t>(1);
  }
  const auto small = [&](int field, std::int64_t value) { return (fields & field) != 0 ? -1 : value; };
  const std::string members_here = little(static_cast<std::int16_t>(small(1, count)));
  return out + little<std::uint32_t>(0x06054B50) + std::string(4, '\0') + members_here + members_here +
         little(static_cast<std::int32_t>(small(2, length))) + little(static_cast<std::int32_t>(small(4, start))) +
         std::string(2, '\0');
}

std::string refusal(const std::filesystem::path& path, const std::string& array = "a") {
  try {
    if (path.extension() == ".npy") {
      (void)read_npy(path, ErrorKind::data);
    } else {
      (void)NpzFile(path, ErrorKind::data).read(array);
    }
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    std::string text = error.what();
    CHECK(text.starts_with(path.string() + ": "));
    return text.substr(std::min(text.size(), path.string().size() + 2));
  }
  return "";
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::vector<double> numbers(const NumpyArray& array) {
  std::vector<double> out;
  for (std::size_t i = 0; i < array.size(); ++i) out.push_back(array.number(i));
  return out;
}

}  // namespace

TEST_CASE("half precision numbers have their values", "[core]") {
  CHECK(half_value(0x3C00) == 1.0F);
  CHECK(half_value(0xC000) == -2.0F);
  CHECK(half_value(0x7BFF) == 65504.0F);
  CHECK(half_value(0x0001) == 0x1p-24F);
  CHECK(half_value(0x83FF) == -1023 * 0x1p-24F);
  CHECK(half_value(0x3555) == 0.333251953125F);
  CHECK(std::isinf(half_value(0x7C00)));
  CHECK(std::isnan(half_value(0x7E00)));
  CHECK(bfloat16_value(0xBFC0) == -1.5F);
}

TEST_CASE("arrays of an archive are read, stored, deflated or with 64-bit sizes", "[core]") {
  const TemporaryFolder folder;
  const std::string content = npy("<f4", "(2, 3)", floats({1, 2, 3, 4, 5, -6.5F}));
  for (const bool deflate : {false, true}) {
    for (const bool zip64 : {false, true}) {
      const auto path = folder.write(
          "x.npz",
          zip({{"first.npy", npy("|u1", "(0,)", "")}, {"a.npy", content, deflate, zip64}, {"notes.txt", "hello"}}));
      const NpzFile file(path, ErrorKind::data);
      CHECK(file.names() == std::vector<std::string>{"first", "a"});
      CHECK((file.contains("a") && !file.contains("notes")));
      const NumpyArray array = file.read("a");
      CHECK(array.where == path.string() + ": a");
      CHECK((array.type() == "float32" && array.shape_text() == "(2, 3)"));
      CHECK(numbers(array) == std::vector<double>{1, 2, 3, 4, 5, -6.5});
      CHECK(file.read("first").size() == 0);
    }
  }
}

TEST_CASE("an archive whose end record has 64 bits is read, whichever number needs them", "[core]") {
  const TemporaryFolder folder;
  const std::vector<Member> members = {{"first.npy", npy("|u1", "(0,)", "")},
                                       {.name = "a.npy", .content = npy("|u1", "(3,)", "\x05\x06\x07"), .zip64 = true}};
  for (int fields = 0; fields < 8; ++fields) {
    INFO(fields);
    const auto path = folder.write("x.npz", zip(members, End64{.fields = fields}));
    const NpzFile file(path, ErrorKind::data);
    CHECK(file.names() == std::vector<std::string>{"first", "a"});
    CHECK(numbers(file.read("a")) == std::vector<double>{5, 6, 7});
  }
  const auto why = [&](const End64& end) { return refusal(folder.write("x.npz", zip(members, end))); };
  const std::string damaged = "damaged zip archive: ", outside = damaged + "its directory lies outside the file";
  CHECK(why({.locator = "PK\x06\x08"}) == damaged + "it has no zip64 locator");
  CHECK(why({.record = "PK\x06\x05"}) == damaged + "it has no zip64 end record");
  CHECK(why({.at = 1}) == damaged + "it has no zip64 end record");
  CHECK(why({.at = 1 << 20}) == damaged + "it ends too early");
  CHECK(why({.at = std::int64_t{-1} << 40}) == damaged + "it ends too early");
  CHECK(why({.count = 1}) == damaged + "its directory is cut off");
  CHECK(why({.count = std::int64_t{1} << 62}) == damaged + "its directory is cut off");
  CHECK(why({.length = -1}) == damaged + "its directory is cut off");
  CHECK(why({.length = 1}) == outside);
  CHECK(why({.length = -1000}) == outside);
  CHECK(why({.start = 1}) == outside);
  CHECK(why({.start = -1000}) == outside);
  CHECK(why({.start = std::int64_t{1} << 40}) == outside);
  CHECK(why({.length = std::int64_t{1} << 40}) == outside);
  const std::string record = zip({}, End64{});
  CHECK(refusal(folder.write("x.npz", record.substr(record.size() - 22))) == damaged + "it has no zip64 locator");
  CHECK(refusal(folder.write("x.npz", record)) == "it holds no array a");
}

TEST_CASE("every type of number keeps its values", "[core]") {
  const TemporaryFolder folder;
  const auto one = [&](const std::string& type, const std::string& data) {
    const NumpyArray array = read_npy(folder.write("x.npy", npy(type, "(1,)", data)), ErrorKind::data);
    return array.type() + " " + std::to_string(array.number(0));
  };
  CHECK(one("|b1", "\x01") == "bool 1.000000");
  CHECK(one("|u1", "\xFF") == "uint8 255.000000");
  CHECK(one("|i1", "\xFF") == "int8 -1.000000");
  CHECK(one("<u2", "\xFF\xFF") == "uint16 65535.000000");
  CHECK(one("<i2", little<std::int16_t>(-300)) == "int16 -300.000000");
  CHECK(one("<u4", little<std::uint32_t>(4000000000U)) == "uint32 4000000000.000000");
  CHECK(one("<i4", little<std::int32_t>(-70000)) == "int32 -70000.000000");
  CHECK(one("<i8", little<std::int64_t>(-5000000000)) == "int64 -5000000000.000000");
  CHECK(one("<u8", little<std::uint64_t>(5000000000)) == "uint64 5000000000.000000");
  CHECK(one("<f2", little<std::uint16_t>(0x3E00)) == "float16 1.500000");
  CHECK(one("<f8", little(-0.25)) == "float64 -0.250000");
}

TEST_CASE("an array in Fortran's order is turned into C's", "[core]") {
  const TemporaryFolder folder;
  // Element (i, j, k) is 100 i + 10 j + k.
  std::vector<float> values;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) values.push_back(static_cast<float>(100 * i + 10 * j + k));
    }
  }
  const NumpyArray array =
      read_npy(folder.write("x.npy", npy("<f4", "(2, 3, 4)", floats(values), true)), ErrorKind::data);
  std::size_t at = 0;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 4; ++k) CHECK(array.number(at++) == 100 * i + 10 * j + k);
    }
  }
}

TEST_CASE("damaged arrays are refused with what is wrong", "[core]") {
  const TemporaryFolder folder;
  const auto why = [&](const std::string& bytes) { return refusal(folder.write("x.npy", bytes)); };
  CHECK(refusal(folder / "absent.npy") == "there is no such file");
  CHECK(why("") == "it is too short for an .npy file");
  CHECK(why("0123456789abcdef") == "it is no .npy file");
  CHECK(why(std::string("\x93NUMPY\x09\x00", 8) + "0123456789") == "its format version is 9, expected 1 to 3");
  CHECK(why(std::string("\x93NUMPY\x01\x00\xFF\xFF", 10)) == "its header claims 65535 bytes");
  CHECK(why(npy("<f4", "(3,)", floats({1, 2}))) ==
        "shape (3,) of float32 needs 12 bytes, it holds 8: the file is damaged or cut off");
  CHECK(why(npy("<f4", "(1000000000, 1000000)", "")) == "its shape is too large");
  CHECK(why(npy("<f4", "(-1,)", "")) == "its header cannot be read");
  CHECK(why(npy("<f4", "(1x,)", "")) == "its header cannot be read");
  CHECK(why(npy("|O", "(1,)", "x")).find("dtype '|O' is none of") != std::string::npos);
  CHECK(why(npy("<U4", "(1,)", "x")) == "its dtype '<U4' is none of bool, int, uint and float");
  CHECK(why(npy(">f4", "(1,)", "xxxx")).find("big-endian") != std::string::npos);
}

TEST_CASE("archives that cannot be trusted are refused before memory is taken", "[core]") {
  const TemporaryFolder folder;
  const std::string array = npy("<f4", "(2,)", floats({1, 2}));
  const auto why = [&](const std::string& bytes) { return refusal(folder.write("x.npz", bytes)); };
  const std::string good = zip({{"a.npy", array}});
  CHECK(why(good).empty());
  CHECK(refusal(folder.write("x.npz", good), "b") == "it holds no array b");
  CHECK(why("PK") == "no zip archive, or one that was cut off: it has no end record");
  for (std::size_t size = 0; size < good.size(); ++size) {
    INFO("cut after " << size << " bytes");
    CHECK_FALSE(why(good.substr(0, size)).empty());
  }
  CHECK(why(zip({{.name = "a.npy", .content = array, .wrong_checksum = 1}})) ==
        "damaged: the checksum of a.npy is wrong");
  CHECK(
      why(zip({{"a.npy", array}, {.name = "b.npy", .content = array, .offset = 0}})).find("overlaps another member") !=
      std::string::npos);
  CHECK(why(zip({{.name = "a.npy", .content = array, .offset = 1 << 20}})).find("ends too early") != std::string::npos);
  CHECK(why(zip({{.name = "a.npy", .content = array, .deflate = true, .claims = std::int64_t{1} << 31}}))
            .find("claims 2147483648 bytes") != std::string::npos);
  CHECK(why(zip({{.name = "a.npy", .content = array, .claims = 1000}})).find("claims 1000 bytes in 136") !=
        std::string::npos);
  CHECK(why(zip({{"a.npy", array}, {"a.npy", array}})) == "it holds a twice");
  // Deflated data that is no longer what it was.
  std::string flipped = zip({{"a.npy", std::string(array), true}});
  flipped[60] = static_cast<char>(flipped[60] ^ 0x55);
  CHECK_FALSE(why(flipped).empty());
  // No byte may crash it, whatever it becomes.
  const std::string both = zip({{"a.npy", array, true}, {"b.npy", array, false, true}}, End64{});
  for (std::size_t i = 0; i < both.size(); ++i) {
    for (const int bit : {0, 7}) {
      std::string bytes = both;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      (void)why(bytes);
    }
  }
}

}  // namespace scnn
