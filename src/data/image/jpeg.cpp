#include <csetjmp>
#include <cstdio>
// After <cstdio>: jpeglib.h needs its types.
#include <jerror.h>
#include <jpeglib.h>

#include <array>

#include "data/image/decode.h"

namespace scnn {
namespace {

/// libjpeg leaves by longjmp.  Nothing between setjmp and it may need a destructor: all of that lives here.
struct JpegDecoder {
  jpeg_error_mgr errors;  // first: libjpeg hands back its address
  std::jmp_buf escape;
  std::array<char, JMSG_LENGTH_MAX> message;
  jpeg_decompress_struct jpeg;
  RgbImage* image;
};

JpegDecoder& decoder_of(j_common_ptr jpeg) { return *reinterpret_cast<JpegDecoder*>(jpeg->err); }

[[noreturn]] void leave(j_common_ptr jpeg) {
  JpegDecoder& decoder = decoder_of(jpeg);
  decoder.errors.format_message(jpeg, decoder.message.data());
  std::longjmp(decoder.escape, 1);
}

/// What libjpeg papers over with grey or repeated pixels is damage here; stray bytes between parts are not.
void judge(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      leave(jpeg);
    default:
      break;
  }
}

/// Blocks of 8 x 8 values of all components: Huffman codes spend a bit or more on each.
std::int64_t blocks(const jpeg_decompress_struct& jpeg) {
  std::int64_t count = 0;
  for (int i = 0; i < jpeg.num_components; ++i) {
    count += std::int64_t{jpeg.comp_info[i].width_in_blocks} * jpeg.comp_info[i].height_in_blocks;
  }
  return count;
}

/// What is wrong with an image whose header is read; nullptr where nothing is.
const char* refusal_of(const jpeg_decompress_struct& jpeg, std::size_t bytes) {
  if (static_cast<std::int64_t>(jpeg.image_width) * jpeg.image_height > most_pixels)
    return "it has more than 100 million pixels: make it smaller";
  if (jpeg.num_components == 4) return "its colours are CMYK, expected RGB or grey: convert it";
  if (jpeg.arith_code != FALSE) return "its coding is arithmetic, expected Huffman's: convert it";
  if (blocks(jpeg) / 8 > static_cast<std::int64_t>(bytes)) return "its bytes are too few for its pixels";
  return nullptr;
}

/// False with a message.
bool decode(JpegDecoder& decoder, std::span<const std::byte> bytes) {
  jpeg_decompress_struct& jpeg = decoder.jpeg;
  if (setjmp(decoder.escape) != 0) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  (void)jpeg_read_header(&jpeg, TRUE);
  const char* refusal = refusal_of(jpeg, bytes.size());
  if (refusal != nullptr) {
    (void)std::snprintf(decoder.message.data(), decoder.message.size(), "%s", refusal);
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg.out_color_space = JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  (void)jpeg_start_decompress(&jpeg);
  decoder.image->h = jpeg.output_height;
  decoder.image->w = jpeg.output_width;
  decoder.image->pixels.resize(std::size_t{jpeg.output_height} * jpeg.output_width * 3);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = decoder.image->pixels.data() + std::size_t{jpeg.output_scanline} * jpeg.output_width * 3;
    (void)jpeg_read_scanlines(&jpeg, &row, 1);
  }
  (void)jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return true;
}

}  // namespace

RgbImage decode_jpeg(std::span<const std::byte> bytes) {
  RgbImage image;
  JpegDecoder decoder{};
  decoder.image = &image;
  decoder.jpeg.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = leave;
  decoder.errors.emit_message = judge;
  if (!decode(decoder, bytes)) throw ImageError(decoder.message.data());
  return image;
}

std::string jpeg_library() {
#if defined(LIBJPEG_TURBO_VERSION_NUMBER)
  constexpr int version = LIBJPEG_TURBO_VERSION_NUMBER;
  return "libjpeg-turbo " + std::to_string(version / 1000000) + "." + std::to_string(version / 1000 % 1000) + "." +
         std::to_string(version % 1000);
#else
  return "libjpeg " + std::to_string(JPEG_LIB_VERSION);
#endif
}

}  // namespace scnn
