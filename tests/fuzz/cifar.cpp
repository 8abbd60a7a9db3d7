#include "data/formats.h"
#include "fuzz.h"

using namespace scnn;

/// The first byte says whether an image has one label (CIFAR-10) or two (CIFAR-100).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::MemoryFile file("-cifar");
  if (size == 0) return 0;
  const int label_bytes = 1 + (data[0] & 1);
  const auto& path = file.write(data + 1, size - 1);
  test::reads_or_refuses(ErrorKind::data, [&] {
    const ImageSet set = read_cifar({path}, label_bytes, label_bytes == 1 ? 10 : 100, "remedy");
    test::must(set.images.bytes() == static_cast<std::size_t>(set.size()) * 3072);
  });
  return 0;
}
