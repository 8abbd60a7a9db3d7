#include <zlib.h>

#include <cstdlib>

#include "catch.h"
#include "core/file.h"
#include "data/image/decode.h"
#include "image_files.h"
#include "scnn/data/catalogue.h"
#include "temporary_folder.h"

namespace scnn {
namespace {

using Bytes = std::vector<std::uint8_t>;

RgbImage decoded(const std::filesystem::path& path) { return decode_image(read_file(path, ErrorKind::data)); }

std::string decode_refusal(std::vector<std::byte> bytes) {
  try {
    (void)decode_image(bytes);
  } catch (const ImageError& error) {
    return error.what();
  }
  return "";
}

/// Byte i is (start + step * i) % 256.
Bytes ramp(std::size_t n, int step, int start = 0) {
  Bytes bytes;
  for (std::size_t i = 0; i < n; ++i) bytes.push_back(static_cast<std::uint8_t>(start + step * static_cast<int>(i)));
  return bytes;
}

}  // namespace

TEST_CASE("a PNG's pixels are those that were written", "[image]") {
  const test::TemporaryFolder folder;
  const auto path = folder / "x.png";
  for (const bool interlaced : {false, true}) {
    test::write_png(path, 3, 4, PNG_COLOR_TYPE_RGB, 8, ramp(36, 7), interlaced);
    const RgbImage rgb = decoded(path);
    CHECK((rgb.h == 3 && rgb.w == 4));
    CHECK(rgb.pixels == ramp(36, 7));
  }
  test::write_png(path, 2, 3, PNG_COLOR_TYPE_GRAY, 8, ramp(6, 40), false);
  CHECK(decoded(path).pixels == Bytes{0, 0, 0, 40, 40, 40, 80, 80, 80, 120, 120, 120, 160, 160, 160, 200, 200, 200});
  test::write_png(path, 1, 2, PNG_COLOR_TYPE_RGB_ALPHA, 8, {1, 2, 3, 0, 4, 5, 6, 255});
  CHECK(decoded(path).pixels == Bytes{1, 2, 3, 4, 5, 6});
  test::write_png(path, 1, 2, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {9, 0, 8, 255});
  CHECK(decoded(path).pixels == Bytes{9, 9, 9, 8, 8, 8});
  test::write_png(path, 1, 4, PNG_COLOR_TYPE_PALETTE, 2, {0b00011011});
  CHECK(decoded(path).pixels == Bytes{0, 0, 0, 10, 20, 60, 20, 40, 120, 30, 60, 180});
  test::write_png(path, 1, 8, PNG_COLOR_TYPE_GRAY, 1, {0b10100000});
  CHECK(decoded(path).pixels[0] == 255);
  CHECK(decoded(path).pixels[3] == 0);
  // v / 257, rounded: 0x7FFF is 127.498, 0x80FF 128.496, 0xFFFF 255.
  test::write_png(path, 1, 3, PNG_COLOR_TYPE_GRAY, 16, {0x7F, 0xFF, 0x80, 0xFF, 0xFF, 0xFF});
  const RgbImage deep = decoded(path);
  CHECK((deep.pixels[0] == 127 && deep.pixels[3] == 128 && deep.pixels[6] == 255));
}

TEST_CASE("a JPEG's pixels are close to those that were written", "[image]") {
  const test::TemporaryFolder folder;
  const auto path = folder / "x.jpg";
  Bytes smooth;  // columns get brighter: what JPEG keeps well
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 24; ++x) {
      smooth.insert(smooth.end(), {static_cast<std::uint8_t>(8 * x), static_cast<std::uint8_t>(100 + 4 * y), 50});
    }
  }
  test::write_jpeg(path, 16, 24, 3, smooth);
  const RgbImage image = decoded(path);
  REQUIRE((image.h == 16 && image.w == 24 && image.pixels.size() == smooth.size()));
  for (std::size_t i = 0; i < smooth.size(); ++i) CHECK(std::abs(image.pixels[i] - smooth[i]) <= 10);
  test::write_jpeg(path, 8, 8, 1, Bytes(64, 77));
  CHECK(decoded(path).pixels == Bytes(192, 77));
  test::write_jpeg(path, 8, 8, 4, Bytes(256, 77));
  CHECK(decode_refusal(read_file(path, ErrorKind::data)) == "its colours are CMYK, expected RGB or grey: convert it");
}

TEST_CASE("damaged images are refused, wherever they are cut or changed", "[image]") {
  const test::TemporaryFolder folder;
  test::write_png(folder / "x.png", 12, 12, PNG_COLOR_TYPE_RGB, 8, ramp(432, 11));
  test::write_jpeg(folder / "x.jpg", 40, 40, 3, ramp(4800, 11), 90);
  for (const char* name : {"x.png", "x.jpg"}) {
    const std::vector<std::byte> good = read_file(folder / name, ErrorKind::data);
    CHECK(decode_refusal(good).empty());
    for (std::size_t size = 0; size + 12 < good.size();
         size += 1 + size / 50) {  // a PNG's last 12 bytes say that it is over
      INFO(name << " cut after " << size);
      CHECK_FALSE(decode_refusal({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}).empty());
    }
    for (std::size_t i = 0; i < good.size(); ++i) {  // may be read or not, must not crash
      std::vector<std::byte> bytes = good;
      bytes[i] ^= std::byte{0x41};
      (void)decode_refusal(bytes);
    }
  }
  CHECK(decode_refusal({}) == "it is empty");
  CHECK(decode_refusal({std::byte{'G'}, std::byte{'I'}, std::byte{'F'}}) ==
        "its first bytes are those of neither JPEG nor PNG");
}

TEST_CASE("an image that claims to be huge takes no memory", "[image]") {
  const test::TemporaryFolder folder;
  test::write_jpeg(folder / "x.jpg", 8, 8, 1, Bytes(64, 77));
  const auto jpeg = [good = read_file(folder / "x.jpg", ErrorKind::data)](int high, int low, int coding = 0xC0) {
    std::vector<std::byte> bytes = good;
    for (std::size_t i = 0; i + 9 < bytes.size(); ++i) {
      if (bytes[i] != std::byte{0xFF} || bytes[i + 1] != std::byte{0xC0}) continue;
      bytes[i + 1] = static_cast<std::byte>(coding);
      for (const std::size_t at : {i + 5, i + 7}) {  // rows, columns
        bytes[at] = static_cast<std::byte>(high);
        bytes[at + 1] = static_cast<std::byte>(low);
      }
      break;
    }
    return bytes;
  };
  // Width and height of a PNG, with the checksum of its header put right.
  test::write_png(folder / "x.png", 1, 1, PNG_COLOR_TYPE_GRAY, 8, {7});
  const auto png = [good = read_file(folder / "x.png", ErrorKind::data)](int highest, int high, int low) {
    std::vector<std::byte> bytes = good;
    for (const std::size_t at : {17U, 21U}) {
      bytes[at] = static_cast<std::byte>(highest);
      bytes[at + 1] = static_cast<std::byte>(high);
      bytes[at + 2] = static_cast<std::byte>(low);
    }
    const auto* header = reinterpret_cast<const unsigned char*>(bytes.data()) + 12;
    auto sum = static_cast<std::uint32_t>(crc32(0, header, 17));
    for (std::size_t i = 33; i-- > 29; sum >>= 8U) bytes[i] = static_cast<std::byte>(sum & 0xFFU);
    return bytes;
  };
  const std::string too_large = "it has more than 100 million pixels: make it smaller";
  CHECK(decode_refusal(jpeg(0xFF, 8)) == too_large);
  CHECK(decode_refusal(png(0x0F, 0, 1)) == too_large);
  // 9000 x 9000 pixels are allowed, but not in these few bytes.
  CHECK(decode_refusal(jpeg(0x23, 0x28)) == "its bytes are too few for its pixels");
  CHECK(decode_refusal(png(0, 0x23, 0x28)) == "its bytes are too few for its pixels");
  // A bit a block: an arithmetic code may need less, and is refused.
  CHECK(decode_refusal(jpeg(0, 8)).empty());
  CHECK(decode_refusal(jpeg(0, 8, 0xC9)) == "its coding is arithmetic, expected Huffman's: convert it");
}

TEST_CASE("an image that packs as well as can be is read", "[image]") {
  const test::TemporaryFolder folder;
  test::write_png(folder / "x.png", 2000, 2000, PNG_COLOR_TYPE_GRAY, 1, Bytes(2000 * 250, 0));
  CHECK(decoded(folder / "x.png").pixels == Bytes(std::size_t{2000} * 2000 * 3, 0));
  test::write_jpeg(folder / "x.jpg", 2000, 2000, 1, Bytes(2000 * 2000, 128), 1);
  CHECK(decoded(folder / "x.jpg").pixels == Bytes(std::size_t{2000} * 2000 * 3, 128));
}

TEST_CASE("doctor's words name both libraries", "[image]") {
  const ImageDecoders decoders = image_decoders();
  CHECK(decoders.missing.empty());
  CHECK(decoders.found.find("JPEG (libjpeg") == 0);
  CHECK(decoders.found.find("PNG (libpng ") != std::string::npos);
}

}  // namespace scnn
