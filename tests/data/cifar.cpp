#include "catch.h"
#include "data/formats.h"
#include "files.h"

namespace scnn {

using test::cifar_rows;
using test::error_of;
using test::TemporaryFolder;
using test::write_bytes;

TEST_CASE("CIFAR rows become channels-last pixels, file after file", "[data]") {
  for (const int label_bytes : {1, 2}) {
    const std::string coarse = label_bytes == 2 ? "\x13" : "";
    const TemporaryFolder folder;
    write_bytes(folder / "a.bin", cifar_rows(0, 2, coarse));
    write_bytes(folder / "b.bin", cifar_rows(2, 1, coarse));
    const ImageSet set = read_cifar({folder / "a.bin", folder / "b.bin"}, label_bytes, 10, "the remedy");
    REQUIRE(set.images.shape() == Shape{3, 32, 32, 3});
    const std::uint8_t* pixel = set.images.data<std::uint8_t>();
    for (int i = 0; i < 3; ++i) {
      CHECK(set.labels.data<std::int32_t>()[i] == i);
      int wrong = 0;
      for (int y = 0; y < 32; ++y) {
        for (int x = 0; x < 32; ++x) {
          for (int c = 0; c < 3; ++c) {
            wrong += *pixel++ == static_cast<std::uint8_t>(i + 7 * (c * 1024 + y * 32 + x)) ? 0 : 1;
          }
        }
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("CIFAR damage is named with what was found and expected", "[data]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "a.bin";
  const auto failure = [&](int label_bytes) {
    return error_of(ErrorKind::data, [&] { (void)read_cifar({path}, label_bytes, 10, "the remedy"); });
  };
  CHECK(failure(1) == path.string() + ": cannot read it: No such file or directory; the remedy");
  write_bytes(path, cifar_rows(0, 2).substr(0, 6000));
  CHECK(failure(1) == path.string() +
                          ": it has 6000 bytes, expected a multiple of 3073 (1 label and 3072 pixel bytes an image); "
                          "the remedy");
  write_bytes(path, "");
  CHECK(failure(2).find("it has 0 bytes, expected a multiple of 3074 (2 label") != std::string::npos);
  std::string rows = cifar_rows(0, 2);
  rows[3073] = 10;
  write_bytes(path, rows);
  CHECK(failure(1) == path.string() + ": the label of image 1 is 10, expected 0 to 9; the remedy");
}

}  // namespace scnn
