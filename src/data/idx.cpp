#include <algorithm>

#include "data/formats.h"
#include "data/reader.h"

namespace scnn {
namespace {

// 0x08 says unsigned bytes, the last byte the number of axes.
constexpr std::uint32_t images_magic = 0x00000803;
constexpr std::uint32_t labels_magic = 0x00000801;
constexpr std::uint32_t largest_side = 4096;

std::string hexadecimal(std::uint32_t value) {
  std::string text = "0x00000000";
  for (std::size_t i = 10; i-- > 2; value >>= 4U) text[i] = "0123456789abcdef"[value & 15U];
  return text;
}

void expect_magic(Reader& file, std::uint32_t expected, const char* what) {
  const std::uint32_t found = file.read_big_endian("the magic number");
  if (found != expected) {
    file.fail("its magic number is " + hexadecimal(found) + ", expected " + hexadecimal(expected) + " (" + what + ")");
  }
}

std::uint32_t read_count(Reader& file, const char* what) {
  const std::uint32_t count = file.read_big_endian(std::string("the number of ") + what);
  if (count == 0) file.fail(std::string("it has 0 ") + what + ", expected 1 or more");
  return count;
}

/// Refuses before memory is taken for content that cannot be there.
void expect_room(const Reader& file, std::uint64_t bytes, const std::string& what) {
  if (bytes > file.content_limit()) {
    file.fail("it claims " + what + ", " + std::to_string(bytes) + " bytes, and is too short to hold them");
  }
}

Tensor read_images(const std::filesystem::path& path, const std::string& remedy) {
  Reader file(path, remedy);
  expect_magic(file, images_magic, "IDX images");
  const std::uint32_t n = read_count(file, "images");
  const std::uint32_t h = read_count(file, "rows");
  const std::uint32_t w = read_count(file, "columns");
  const std::string what =
      std::to_string(n) + " images of " + std::to_string(h) + " x " + std::to_string(w) + " pixels";
  if (h > largest_side || w > largest_side) {
    file.fail("it claims " + what + ", the limit is " + std::to_string(largest_side) + " a side");
  }
  expect_room(file, static_cast<std::uint64_t>(n) * h * w, what);
  Tensor images = Tensor::host(Shape{n, h, w, 1}, DType::uint8);
  file.read(images.values<std::uint8_t>(), what);
  file.expect_end(what);
  return images;
}

Tensor read_labels(const std::filesystem::path& path, std::int64_t classes, const std::string& remedy) {
  Reader file(path, remedy);
  expect_magic(file, labels_magic, "IDX labels");
  const std::uint32_t n = read_count(file, "labels");
  const std::string what = std::to_string(n) + " labels";
  expect_room(file, n, what);
  std::vector<std::uint8_t> bytes(n);
  file.read(bytes, what);
  file.expect_end(what);
  Tensor labels = Tensor::host(Shape{n}, DType::int32);
  std::ranges::copy(bytes, labels.data<std::int32_t>());
  const auto bad = std::ranges::find_if(bytes, [&](std::uint8_t label) { return label >= classes; });
  if (bad != bytes.end()) {
    file.fail("label " + std::to_string(bad - bytes.begin()) + " is " + std::to_string(*bad) + ", expected 0 to " +
              std::to_string(classes - 1));
  }
  return labels;
}

}  // namespace

ImageSet read_idx(const std::filesystem::path& images, const std::filesystem::path& labels, std::int64_t classes,
                  const std::string& remedy) {
  ImageSet set{read_images(images, remedy), read_labels(labels, classes, remedy)};
  if (set.images.shape()[0] != set.size()) {
    Reader(labels, remedy)
        .fail("it has " + std::to_string(set.size()) + " labels, expected " + std::to_string(set.images.shape()[0]) +
              ", one for each image of " + images.filename().string());
  }
  return set;
}

}  // namespace scnn
