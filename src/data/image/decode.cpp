#include "data/image/decode.h"

#include <algorithm>
#include <array>

#include "scnn/data/catalogue.h"

namespace scnn {
namespace {

bool begins_with(std::span<const std::byte> bytes, std::span<const unsigned char> signature) {
  return bytes.size() >= signature.size() &&
         std::ranges::equal(bytes.first(signature.size()), std::as_bytes(signature));
}

}  // namespace

RgbImage decode_image(std::span<const std::byte> bytes) {
  static constexpr std::array<unsigned char, 3> jpeg{0xFF, 0xD8, 0xFF};
  static constexpr std::array<unsigned char, 8> png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  if (begins_with(bytes, jpeg)) return decode_jpeg(bytes);
  if (begins_with(bytes, png)) return decode_png(bytes);
  if (bytes.empty()) throw ImageError("it is empty");
  throw ImageError("its first bytes are those of neither JPEG nor PNG");
}

ImageDecoders image_decoders() {
  ImageDecoders decoders;
  const auto add = [&](const char* format, const char* package, const std::string& library) {
    std::string& list = library.empty() ? decoders.missing : decoders.found;
    if (!list.empty()) list += library.empty() ? "; " : ", ";
    list += library.empty() ? std::string("no ") + format + ": install " + package + " and build again"
                            : std::string(format) + " (" + library + ")";
  };
  add("JPEG", "libjpeg-dev", jpeg_library());
  add("PNG", "libpng-dev", png_library());
  return decoders;
}

}  // namespace scnn
