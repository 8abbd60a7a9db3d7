#include <zlib.h>

#include <cstring>

#include "core/numpy_file.h"
#include "data/own.h"
#include "fuzz.h"

using namespace scnn;

namespace {

using Input = std::span<const std::uint8_t>;

void append(std::vector<std::uint8_t>& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

/// An archive of the four arrays of a set, stored, sizes and checksums right; the input is both images and labels, cut
/// where its first two bytes say.
std::vector<std::uint8_t> archive_of(Input input) {
  const std::size_t cut = input.size() < 2 ? 0 : (input[0] | input[1] << 8U) % (input.size() - 1);
  input = input.subspan(std::min<std::size_t>(input.size(), 2));
  std::vector<std::uint8_t> out, directory;
  for (const char* name : {"x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"}) {
    const Input content = name[0] == 'x' ? input.first(cut) : input.subspan(cut);
    const std::size_t offset = out.size(), length = std::strlen(name);
    std::vector<std::uint8_t> fields;
    append(fields, 20, 2), append(fields, 0, 8);  // version; flags, stored, time
    append(fields, crc32_z(0, content.data(), content.size()), 4);
    append(fields, content.size(), 4), append(fields, content.size(), 4);
    append(fields, length, 2), append(fields, 0, 2);
    append(out, 0x04034B50, 4);
    out.insert(out.end(), fields.begin(), fields.end());
    out.insert(out.end(), name, name + length);
    out.insert(out.end(), content.begin(), content.end());
    append(directory, 0x02014B50, 4), append(directory, 20, 2);
    directory.insert(directory.end(), fields.begin(), fields.end());
    append(directory, 0, 8), append(directory, 0, 2), append(directory, offset, 4);
    directory.insert(directory.end(), name, name + length);
  }
  const std::size_t start = out.size();
  out.insert(out.end(), directory.begin(), directory.end());
  append(out, 0x06054B50, 4), append(out, 0, 4), append(out, 4, 2), append(out, 4, 2);
  append(out, directory.size(), 4), append(out, start, 4), append(out, 0, 2);
  return out;
}

void must_fit(const NumpyArray& array) {
  std::size_t count = 1;
  for (const std::int64_t extent : array.shape) count *= static_cast<std::size_t>(extent);
  test::must(array.size() == count && array.data.size() == count * array.width);
  for (std::size_t i = 0; i < count; ++i) (void)array.number(i);
}

void read_set(const std::filesystem::path& path) {
  DataOptions options;
  options.root = path.string();
  const Dataset set = read_arrays(options);
  for (const ImageSet* part : {&set.train, &set.test}) test::must(part->size() == part->images.shape()[0]);
}

}  // namespace

/// The first byte says what the others are: an archive, an array, or the arrays of a whole set.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::MemoryFile archive("-arrays.npz"), array("-array.npy");
  if (size == 0) return 0;
  const Input rest(data + 1, size - 1);
  test::reads_or_refuses(ErrorKind::data, [&] {
    if (data[0] % 3 == 0) {
      const NpzFile file(archive.write(rest.data(), rest.size()), ErrorKind::data);
      for (const std::string& name : file.names()) must_fit(file.read(name));
    } else if (data[0] % 3 == 1) {
      must_fit(read_npy(array.write(rest.data(), rest.size()), ErrorKind::data));
    } else {
      const std::vector<std::uint8_t> whole = archive_of(rest);
      read_set(archive.write(whole.data(), whole.size()));
    }
  });
  return 0;
}
