// Stands in for jpeg.cpp where the build found no libjpeg.
#include "data/image/decode.h"

namespace scnn {

RgbImage decode_jpeg(std::span<const std::byte> /*bytes*/) {
  throw ImageError("it is a JPEG, and this build has no libjpeg: install libjpeg-dev and build again");
}

std::string jpeg_library() { return ""; }

}  // namespace scnn
