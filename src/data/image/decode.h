#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace scnn {

/// Red, green and blue, row by row.
struct RgbImage {
  std::int64_t h = 0, w = 0;
  std::vector<std::uint8_t> pixels;  ///< [h, w, 3]
};

/// Why an image cannot be had; whoever knows its file says which.
class ImageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Larger images, and those that their file's bytes cannot fill, are refused before memory is taken for them.
constexpr std::int64_t most_pixels = 100'000'000;

/// A JPEG or PNG file, told apart by its first bytes.  Grey becomes three equal channels; transparency is dropped, 16
/// bits are scaled to 8, gamma and rotation notes (EXIF) are not applied.  ImageError where it is damaged, cut off, too
/// large, or of a format that this build cannot read.
[[nodiscard]] RgbImage decode_image(std::span<const std::byte> bytes);

[[nodiscard]] RgbImage decode_jpeg(std::span<const std::byte> bytes);
[[nodiscard]] RgbImage decode_png(std::span<const std::byte> bytes);

/// "libpng 1.6.39"; empty where the build has none.
[[nodiscard]] std::string jpeg_library();
[[nodiscard]] std::string png_library();

}  // namespace scnn
