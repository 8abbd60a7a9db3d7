#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "data/image/decode.h"

namespace scnn {
namespace {

constexpr std::int64_t deflate_gain = 1032;  // no deflated byte holds more content than this

/// libpng leaves by longjmp.  Nothing between setjmp and it may need a destructor: all of that lives here.
struct PngDecoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf escape;
  std::array<char, 256> message{};
  std::span<const std::byte> left;
  std::int64_t size = 0;  ///< of the file
  RgbImage image;
  std::vector<png_bytep> rows;

  ~PngDecoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void leave(png_structp png, png_const_charp message) {
  auto& decoder = *static_cast<PngDecoder*>(png_get_error_ptr(png));
  (void)std::snprintf(decoder.message.data(), decoder.message.size(), "%s", message);
  std::longjmp(decoder.escape, 1);
}

void ignore(png_structp /*png*/, png_const_charp /*message*/) {}

void read(png_structp png, png_bytep out, std::size_t size) {
  auto& decoder = *static_cast<PngDecoder*>(png_get_io_ptr(png));
  if (size > decoder.left.size()) png_error(png, "it is cut off");
  std::memcpy(out, decoder.left.data(), size);
  decoder.left = decoder.left.subspan(size);
}

/// False with a message.
bool decode(PngDecoder& decoder) {
  if (setjmp(decoder.escape) != 0) return false;
  png_structp png = decoder.png;
  png_infop info = decoder.info;
  png_set_read_fn(png, &decoder, read);
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);  // the number of pixels is what counts, see below
  png_read_info(png, info);
  const std::int64_t w = png_get_image_width(png, info), h = png_get_image_height(png, info);
  if (w > most_pixels / h) png_error(png, "it has more than 100 million pixels: make it smaller");
  const auto pixel_bits = png_get_channels(png, info) * std::int64_t{png_get_bit_depth(png, info)};
  if (w * h * pixel_bits / 8 / deflate_gain > decoder.size) png_error(png, "its bytes are too few for its pixels");
  // Palettes and less than 8 bits become 8-bit RGB, 16 bits the nearest 8.
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  (void)png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != static_cast<std::size_t>(w) * 3) png_error(png, "its pixels are of no known kind");
  decoder.image.h = h;
  decoder.image.w = w;
  decoder.image.pixels.resize(static_cast<std::size_t>(h * w * 3));
  for (std::int64_t y = 0; y < h; ++y) decoder.rows.push_back(decoder.image.pixels.data() + y * w * 3);
  png_read_image(png, decoder.rows.data());
  png_read_end(png, nullptr);
  return true;
}

}  // namespace

RgbImage decode_png(std::span<const std::byte> bytes) {
  PngDecoder decoder;
  decoder.left = bytes;
  decoder.size = static_cast<std::int64_t>(bytes.size());
  decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, leave, ignore);
  if (decoder.png != nullptr) decoder.info = png_create_info_struct(decoder.png);
  if (decoder.info == nullptr) throw ImageError("libpng " + png_library() + " is another one than this build's");
  if (!decode(decoder)) throw ImageError(decoder.message.data());
  return std::move(decoder.image);
}

std::string png_library() { return std::string("libpng ") + png_get_libpng_ver(nullptr); }

}  // namespace scnn
