// Stands in for png.cpp where the build found no libpng.
#include "data/image/decode.h"

namespace scnn {

RgbImage decode_png(std::span<const std::byte> /*bytes*/) {
  throw ImageError("it is a PNG, and this build has no libpng: install libpng-dev and build again");
}

std::string png_library() { return ""; }

}  // namespace scnn
