#include "data/formats.h"
#include "fuzz.h"

using namespace scnn;

/// The first byte says which of the two files the others are; its partner is good.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::MemoryFile images("-images"), labels("-labels");
  constexpr std::uint8_t good_images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8, 7, 6};
  constexpr std::uint8_t good_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
  if (size == 0) return 0;
  const bool are_images = (data[0] & 1U) != 0;
  const auto& a = are_images ? images.write(data + 1, size - 1) : images.write(good_images, sizeof(good_images));
  const auto& b = are_images ? labels.write(good_labels, sizeof(good_labels)) : labels.write(data + 1, size - 1);
  test::reads_or_refuses(ErrorKind::data, [&] {
    const ImageSet set = read_idx(a, b, 10, "remedy");
    test::must(set.size() == set.images.shape()[0]);
  });
  return 0;
}
