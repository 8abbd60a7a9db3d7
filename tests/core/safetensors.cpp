#include "scnn/core/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "core/file.h"
#include "scnn/core/error.h"
#include "temporary_folder.h"

namespace scnn {
namespace {

std::vector<std::byte> file_of(const std::string& header, std::size_t data_bytes) {
  std::string text(8, '\0');
  const std::uint64_t length = header.size();
  for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>((length >> (8 * i)) & 0xFFU);
  text += header;
  for (std::size_t i = 0; i < data_bytes; ++i) text += static_cast<char>(i + 1);
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

std::string failure(const std::vector<std::byte>& bytes) {
  try {
    (void)decode_safetensors(bytes, "a.safetensors");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::checkpoint);
    return error.what();
  }
  return "accepted";
}

bool fails_with(const std::string& header, std::size_t data_bytes, const std::string& part) {
  const std::string text = failure(file_of(header, data_bytes));
  INFO(text);
  CHECK(text.starts_with("a.safetensors: not a valid safetensors file: "));
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

Safetensors sample() {
  Safetensors file;
  file.metadata = {{"epoch", "3"}, {"a \"quoted\" key", "\n"}};
  file.tensors["model.fc.weight"] = Tensor::of(Shape{2, 3}, std::vector<float>{1, -2.5F, 3, 1e-30F, 0, -0.0F});
  file.tensors["channels.fc"] = Tensor::of(Shape{2}, std::vector<std::int32_t>{-7, 1 << 30});
  file.tensors["empty"] = Tensor::host(Shape{0, 4});
  file.tensors["scalar"] = Tensor::of(Shape{}, std::vector<float>{42});
  Tensor bytes = Tensor::host(Shape{3}, DType::uint8);
  bytes.data<std::uint8_t>()[0] = 255;
  bytes.data<std::uint8_t>()[2] = 7;
  file.tensors["a.bytes"] = bytes;
  return file;
}

void check_equal(const Safetensors& a, const Safetensors& b) {
  REQUIRE(a.metadata == b.metadata);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    INFO(name);
    REQUIRE(b.tensors.contains(name));
    const Tensor& other = b.tensors.at(name);
    REQUIRE(tensor.shape() == other.shape());
    REQUIRE(tensor.dtype() == other.dtype());
    CHECK(std::memcmp(tensor.raw(), other.raw(), tensor.bytes()) == 0);
  }
}

}  // namespace

TEST_CASE("safetensors: a file written by hand is read", "[safetensors]") {
  const std::string header = R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},"__metadata__":{"k":"v"},)"
                             R"("a":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]}}  )";
  const Safetensors file = decode_safetensors(file_of(header, 6), "hand");
  CHECK(file.metadata == std::map<std::string, std::string>{{"k", "v"}});
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors.at("a").shape() == Shape{1, 1});
  CHECK(file.tensors.at("a").data<std::int32_t>()[0] == 0x04030201);
  CHECK(file.tensors.at("b").data<std::uint8_t>()[0] == 5);
  CHECK(file.tensors.at("b").data<std::uint8_t>()[1] == 6);
}

TEST_CASE("safetensors: the bytes written are exactly these", "[safetensors]") {
  Safetensors file;
  file.tensors["u"] = Tensor::host(Shape{1}, DType::uint8);
  file.tensors["z"] = Tensor::of(Shape{1}, std::vector<float>{1});
  const std::string header =
      R"({"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"u":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  std::string expected(8, '\0');
  expected[0] = static_cast<char>(padded);
  expected += header + std::string(padded - header.size(), ' ') + std::string("\0\0\x80\x3f\0", 5);
  const std::vector<std::byte> bytes = encode_safetensors(file);
  CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == expected);
}

TEST_CASE("safetensors: round trip, and equal bytes for equal content", "[safetensors]") {
  const std::vector<std::byte> bytes = encode_safetensors(sample());
  const Safetensors back = decode_safetensors(bytes, "round trip");
  check_equal(sample(), back);
  CHECK(encode_safetensors(back) == bytes);
  check_equal(decode_safetensors(encode_safetensors({}), "nothing"), {});
}

TEST_CASE("safetensors: damage is named", "[safetensors]") {
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  CHECK(failure({}).find("0 bytes, too few for a header") != std::string::npos);
  std::vector<std::byte> huge = file_of("{}", 0);
  huge[6] = std::byte{1};
  CHECK(failure(huge).find("the limit is 100000000") != std::string::npos);
  huge[6] = std::byte{0};
  huge[0] = std::byte{3};
  CHECK(failure(huge).find("claims 3 bytes, the file has 2 left") != std::string::npos);
  CHECK(fails_with(" {}", 0, "does not begin with '{'"));
  huge = file_of("{}", 0);
  std::fill(huge.begin(), huge.begin() + 8, std::byte{0xFF});  // 8 more would be 7
  CHECK(failure(huge).find("claims 18446744073709551615 bytes, the limit") != std::string::npos);
  CHECK(fails_with("{", 0, "not JSON: no JSON from byte 2 on"));
  CHECK(failure(file_of("{", 0)).find("json.exception") == std::string::npos);
  CHECK(fails_with("{} x", 0, "not JSON"));
  CHECK(fails_with("{\"\xff\":1}", 0, "not JSON"));
  CHECK(fails_with(R"({"a":)" + std::string(100000, '['), 0, "nests too deeply"));
  CHECK(fails_with(R"({"__metadata__":1})", 0, "__metadata__ is not an object"));
  CHECK(fails_with(R"({"__metadata__":{"k":1}})", 0, "__metadata__ 'k' is not a string"));
  CHECK(fails_with(R"({"t":1})", 0, "tensor 't': is not an object"));
  CHECK(fails_with(R"({"t":{"dtype":"U8","shape":[1]}})", 1, "tensor 't': has no data_offsets"));
  CHECK(fails_with(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1, "a key besides"));
  CHECK(fails_with(R"({"t":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}})", 1, "'shape' twice"));
  CHECK(fails_with(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                   R"("t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                   2, "names 't' twice"));
  CHECK(fails_with(entry("1", "[1]", "[0,1]"), 1, "dtype is not a string"));
  CHECK(fails_with(entry(R"("F64")", "[1]", "[0,8]"), 8, "dtype F64 is none of F32, I32, U8"));
  CHECK(fails_with(entry(R"("U8")", "1", "[0,1]"), 1, "shape is not a list of at most 5"));
  CHECK(fails_with(entry(R"("U8")", "[1,1,1,1,1,1]", "[0,1]"), 1, "shape is not a list of at most 5"));
  CHECK(fails_with(entry(R"("U8")", "[-1]", "[0,1]"), 1, "extent is not a whole number"));
  CHECK(fails_with(entry(R"("U8")", "[1.0]", "[0,1]"), 1, "extent is not a whole number"));
  CHECK(fails_with(entry(R"("F32")", "[4611686018427387904]", "[0,0]"), 0, "shape overflows"));
  CHECK(fails_with(entry(R"("U8")", "[4294967296,4294967296,0]", "[0,0]"), 0, "shape overflows"));
  CHECK(fails_with(entry(R"("U8")", "[1]", "[0]"), 1, "data_offsets are not two whole numbers"));
  CHECK(fails_with(entry(R"("U8")", "[1]", "[1,0]"), 1, "bytes 1..0 lie outside"));
  CHECK(fails_with(entry(R"("U8")", "[2]", "[0,2]"), 1, "bytes 0..2 lie outside the data of 1 bytes"));
  CHECK(fails_with(entry(R"("F32")", "[2]", "[0,4]"), 4, "shape [2] needs 8 bytes, its offsets hold 4"));
  const std::string most = "18446744073709551615";
  CHECK(fails_with(entry(R"("U8")", "[0]", "[" + most + "," + most + "]"), 1, "lie outside"));
  CHECK(fails_with(entry(R"("U8")", "[1]", "[0," + most + "]"), 1, "lie outside"));
  CHECK(fails_with(entry(R"("U8")", "[1]", "[-1,0]"), 1, "data_offsets are not two whole numbers"));
  CHECK(fails_with(entry(R"("U8")", "[1]", "[0,18446744073709551616]"), 1, "data_offsets are not two whole numbers"));
  CHECK(fails_with(entry(R"("U8")", "[" + most + "]", "[0,1]"), 1, "shape overflows"));
  CHECK(fails_with(entry(R"("F32")", "[2305843009213693952]", "[0,0]"), 0, "shape overflows"));
  CHECK(fails_with(entry(R"("F32")", "[3,2305843009213693953,2305843009213693953]", "[0,4]"), 4, "shape overflows"));
  CHECK(fails_with(R"({"__metadata__":{},"__metadata__":{}})", 0, "names '__metadata__' twice"));
  CHECK(fails_with(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],)"
                   R"("data_offsets":[0,2]}})",
                   2, "tensors overlap"));
  CHECK(fails_with(entry(R"("U8")", "[1]", "[0,1]"), 2, "tensors end at byte 1 of 2"));
  CHECK(fails_with(entry(R"("U8")", "[1]", "[1,2]"), 2, "begins at byte 1, expected 0: there is a gap"));
  CHECK(fails_with(R"({"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                   R"("u":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                   3, "tensor 'u': begins at byte 1, expected 2: tensors overlap"));
}

TEST_CASE("safetensors: no truncation or changed header byte crashes", "[safetensors]") {
  const std::vector<std::byte> bytes = encode_safetensors(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK(failure({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)}) != "accepted");
  }
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < 8 + header; ++at) {
    for (const unsigned flip : {0x01U, 0x02U, 0x10U, 0x80U, 0xFFU}) {
      std::vector<std::byte> damaged = bytes;
      damaged[at] ^= static_cast<std::byte>(flip);
      refused += failure(damaged) == "accepted" ? 0 : 1;
    }
  }
  // Changes inside names and metadata text give another valid file; everything else must be refused.
  CHECK(refused > 3 * header);
}

TEST_CASE("safetensors: Python's reader agrees", "[safetensors]") {
  if (std::system("python3 -c 'import safetensors.numpy' >/dev/null 2>&1") != 0) {
    SCNN_SKIP("Python has no safetensors package");
  }
  const test::TemporaryFolder folder;
  write_file(folder / "ours.safetensors", encode_safetensors(sample()));
  std::ofstream(folder / "check.py") << "import sys\n"
                                        "from safetensors.numpy import load_file, save_file\n"
                                        "t = load_file(sys.argv[1] + '/ours.safetensors')\n"
                                        "assert t['model.fc.weight'].tolist()[0] == [1.0, -2.5, 3.0]\n"
                                        "assert t['a.bytes'].tolist() == [255, 0, 7]\n"
                                        "assert t['channels.fc'].tolist() == [-7, 1 << 30]\n"
                                        "assert t['empty'].shape == (0, 4) and t['scalar'] == 42\n"
                                        "save_file(t, sys.argv[1] + '/theirs.safetensors')\n";
  const std::string command = "python3 " + (folder / "check.py").string() + " " + folder.path().string();
  REQUIRE(std::system(command.c_str()) == 0);
  Safetensors theirs =
      decode_safetensors(read_file(folder / "theirs.safetensors", ErrorKind::checkpoint), "theirs.safetensors");
  theirs.metadata = sample().metadata;
  check_equal(sample(), theirs);
}

TEST_CASE("files of other programs give their floating-point numbers as float32", "[core]") {
  const std::vector<std::byte> bytes = file_of(R"({"half": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]},)"
                                               R"("brain": {"dtype": "BF16", "shape": [1], "data_offsets": [4, 6]},)"
                                               R"("double": {"dtype": "F64", "shape": [], "data_offsets": [6, 14]},)"
                                               R"("count": {"dtype": "I64", "shape": [], "data_offsets": [14, 22]},)"
                                               R"("mask": {"dtype": "BOOL", "shape": [2], "data_offsets": [22, 24]},)"
                                               R"("single": {"dtype": "F32", "shape": [1], "data_offsets": [24, 28]}})",
                                               28);
  const Safetensors file = decode_foreign_safetensors(bytes, "a.safetensors");
  CHECK(file.tensors.size() == 4);  // no count, no mask
  const auto value = [&](const char* name, int i) { return file.tensors.at(name).data<float>()[i]; };
  CHECK(value("half", 0) == 0x201 * 0x1p-24F);              // bytes 1 and 2: 0x0201, no exponent
  CHECK(value("half", 1) == (1 + 3 / 1024.0F) * 0x1p-14F);  // 0x0403: exponent 1, fraction 3
  CHECK(value("brain", 0) == std::bit_cast<float>(0x06050000U));
  CHECK(value("double", 0) == static_cast<float>(std::bit_cast<double>(std::uint64_t{0x0E0D0C0B0A090807})));
  CHECK(value("single", 0) == std::bit_cast<float>(0x1C1B1A19U));
  CHECK(failure(bytes).find("its dtype ") != std::string::npos);  // ours have none of these
}

}  // namespace scnn
