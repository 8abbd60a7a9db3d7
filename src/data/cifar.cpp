#include <array>

#include "data/formats.h"
#include "data/reader.h"

namespace scnn {
namespace {

constexpr std::int64_t side = 32;
constexpr std::int64_t plane = side * side;
constexpr std::int64_t colours = 3;

}  // namespace

ImageSet read_cifar(const std::vector<std::filesystem::path>& files, int label_bytes, std::int64_t classes,
                    const std::string& remedy) {
  const std::int64_t row_bytes = label_bytes + colours * plane;
  std::vector<std::int64_t> rows;
  std::int64_t total = 0;
  for (const std::filesystem::path& path : files) {
    const Reader file(path, remedy);
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path));
    if (size == 0 || size % row_bytes != 0) {
      file.fail("it has " + std::to_string(size) + " bytes, expected a multiple of " + std::to_string(row_bytes) +
                " (" + std::to_string(label_bytes) + " label and " + std::to_string(colours * plane) +
                " pixel bytes an image)");
    }
    rows.push_back(size / row_bytes);
    total += rows.back();
  }
  ImageSet set{Tensor::host(Shape{total, side, side, colours}, DType::uint8), Tensor::host(Shape{total}, DType::int32)};
  std::uint8_t* pixels = set.images.data<std::uint8_t>();
  std::int32_t* labels = set.labels.data<std::int32_t>();
  std::vector<std::uint8_t> row(static_cast<std::size_t>(row_bytes));
  for (std::size_t f = 0; f < files.size(); ++f) {
    Reader file(files[f], remedy);
    for (std::int64_t i = 0; i < rows[f]; ++i) {
      file.read(row, std::to_string(rows[f]) + " images");
      const std::uint8_t label = row[static_cast<std::size_t>(label_bytes - 1)];
      if (label >= classes) {
        file.fail("the label of image " + std::to_string(i) + " is " + std::to_string(label) + ", expected 0 to " +
                  std::to_string(classes - 1));
      }
      *labels++ = label;
      const std::uint8_t* planes = row.data() + label_bytes;
      for (std::int64_t p = 0; p < plane; ++p) {
        for (std::int64_t c = 0; c < colours; ++c) *pixels++ = planes[c * plane + p];
      }
    }
  }
  return set;
}

}  // namespace scnn
