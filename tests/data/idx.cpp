#include "catch.h"
#include "data/formats.h"
#include "files.h"

namespace scnn {
namespace {

using test::big_endian;
using test::error_of;
using test::idx_images;
using test::idx_labels;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;

struct IdxFiles {
  explicit IdxFiles(const std::string& suffix = "")
      : images(folder / ("images" + suffix)), labels(folder / ("labels" + suffix)) {
    write_bytes(images, idx_images(4, 2, 3));
    write_bytes(labels, idx_labels(4));
  }
  [[nodiscard]] ImageSet read() const { return read_idx(images, labels, 10, "the remedy"); }
  [[nodiscard]] std::string failure() const {
    return error_of(ErrorKind::data, [&] { (void)read(); });
  }

  TemporaryFolder folder;
  std::filesystem::path images, labels;
};

}  // namespace

TEST_CASE("IDX files are read, plain and gzip", "[data]") {
  for (const char* suffix : {"", ".gz"}) {
    const IdxFiles files(suffix);
    const ImageSet set = files.read();
    REQUIRE(set.images.shape() == Shape{4, 2, 3, 1});
    REQUIRE(set.size() == 4);
    for (int i = 0; i < 4; ++i) {
      CHECK(set.labels.data<std::int32_t>()[i] == i);
      for (int p = 0; p < 6; ++p) CHECK(set.images.data<std::uint8_t>()[6 * i + p] == 37 * i + p);
    }
  }
}

TEST_CASE("IDX damage is named with what was found and expected", "[data]") {
  IdxFiles files;
  const std::string images = files.images.string() + ": ";
  const std::string labels = files.labels.string() + ": ";
  SECTION("missing") {
    std::filesystem::remove(files.images);
    CHECK(files.failure() == images + "cannot read it: No such file or directory; the remedy");
  }
  SECTION("magic") {
    write_bytes(files.images, idx_labels(4));
    CHECK(files.failure() == images + "its magic number is 0x00000801, expected 0x00000803 (IDX images); the remedy");
    write_bytes(files.images, idx_images(4, 2, 3));
    write_bytes(files.labels, "abcdefgh");
    CHECK(files.failure() == labels + "its magic number is 0x61626364, expected 0x00000801 (IDX labels); the remedy");
  }
  SECTION("empty") {
    write_bytes(files.images, "");
    CHECK(files.failure() == images + "it ends after 0 bytes of content, expected 4 (the magic number); the remedy");
    write_bytes(files.images, idx_images(0, 2, 3));
    CHECK(files.failure() == images + "it has 0 images, expected 1 or more; the remedy");
  }
  SECTION("truncated") {
    write_bytes(files.labels, idx_labels(4).substr(0, 11));
    CHECK(files.failure() == labels + "it ends after 11 bytes of content, expected 12 (4 labels); the remedy");
  }
  SECTION("more than expected") {
    write_bytes(files.images, idx_images(4, 2, 3) + "x");
    CHECK(files.failure() == images +
                                 "there is more content after the 40 bytes expected (4 images of 2 x 3 pixels); "
                                 "the remedy");
  }
  SECTION("absurd counts take no memory") {
    write_bytes(files.images, big_endian(0x803) + big_endian(0xFFFFFFFF) + big_endian(4096) + big_endian(4096));
    CHECK(files.failure().find("it claims 4294967295 images of 4096 x 4096 pixels, 72057594021150720 bytes, and is too "
                               "short") != std::string::npos);
    write_bytes(files.images, big_endian(0x803) + big_endian(1) + big_endian(4097) + big_endian(1));
    CHECK(files.failure().find("the limit is 4096 a side") != std::string::npos);
  }
  SECTION("label out of range") {
    std::string bytes = idx_labels(4);
    bytes[10] = 10;
    write_bytes(files.labels, bytes);
    CHECK(files.failure() == labels + "label 2 is 10, expected 0 to 9; the remedy");
  }
  SECTION("counts differ") {
    write_bytes(files.labels, idx_labels(3));
    CHECK(files.failure() == labels + "it has 3 labels, expected 4, one for each image of images; the remedy");
  }
  SECTION("a folder in its place") {
    std::filesystem::remove(files.images);
    std::filesystem::create_directory(files.images);
    CHECK(files.failure().find(images + "cannot read it") == 0);
  }
}

TEST_CASE("damaged gzip data is refused wherever it is cut or changed", "[data]") {
  const IdxFiles files(".gz");
  const std::string good = read_bytes(files.images);
  for (std::size_t length = 0; length < good.size(); ++length) {
    std::ofstream(files.images, std::ios::binary) << good.substr(0, length);
    CHECK(files.failure().find("images.gz: ") != std::string::npos);
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(~bad[at]);
    std::ofstream(files.images, std::ios::binary) << bad;
    const std::string text = files.failure();
    // Changed time and system in the gzip header change nothing of the content.
    CHECK((text.find("images.gz: ") != std::string::npos || (at >= 4 && at < 10)));
  }
  std::ofstream(files.images, std::ios::binary) << good.substr(0, good.size() - 6);
  const std::string cut = files.failure();
  CHECK(cut == files.images.string() + ": damaged gzip data: unexpected end of file; the remedy");
}

}  // namespace scnn
