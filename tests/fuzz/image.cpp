#include <zlib.h>

#include <algorithm>

#include "data/image/resize.h"
#include "fuzz.h"

using namespace scnn;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Input = std::span<const std::uint8_t>;

constexpr std::uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

void append(Bytes& out, Input bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

/// Length, type and content, checksum.
void append_chunk(Bytes& out, Input type_and_content) {
  const auto word = [&](std::uint32_t v) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(v >> shift));
  };
  word(static_cast<std::uint32_t>(type_and_content.size() - 4));
  append(out, type_and_content);
  word(static_cast<std::uint32_t>(crc32_z(0, type_and_content.data(), type_and_content.size())));
}

/// A PNG of chunks: a byte of length each, then type and content.
Bytes png_of_chunks(Input input) {
  Bytes out(std::begin(signature), std::end(signature));
  while (input.size() > 4) {
    const std::size_t size = std::min<std::size_t>(4 + std::size_t{input[0]}, input.size() - 1);
    append_chunk(out, input.subspan(1, size));
    input = input.subspan(1 + size);
  }
  return out;
}

/// A PNG of the 13 bytes of its header and its rows with their filters, which are packed here.
Bytes png_of_rows(Input input) {
  Bytes out(std::begin(signature), std::end(signature)), header{'I', 'H', 'D', 'R'}, rows{'I', 'D', 'A', 'T'};
  append(header, input.first(std::min<std::size_t>(13, input.size())));
  append_chunk(out, header);
  input = input.subspan(std::min<std::size_t>(13, input.size()));
  uLongf size = compressBound(input.size());
  rows.resize(4 + size);
  test::must(compress(rows.data() + 4, &size, input.data(), input.size()) == Z_OK);
  append_chunk(out, Input(rows).first(4 + size));
  append_chunk(out, Bytes{'I', 'E', 'N', 'D'});
  return out;
}

}  // namespace

/// The first byte says what the others are, a JPEG or PNG file, chunks or rows of a PNG, and what the image is fitted
/// to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::int64_t side = 1 + data[0] / 4 % 8, channels = (data[0] & 64U) != 0 ? 1 : 3;
  const Input rest(data + 1, size - 1);
  const Bytes file = data[0] % 4 == 0   ? png_of_chunks(rest)
                     : data[0] % 4 == 1 ? png_of_rows(rest)
                                        : Bytes(rest.begin(), rest.end());
  try {
    const RgbImage image = decode_image(std::as_bytes(std::span(file)));
    test::must(image.h > 0 && image.w > 0 && image.h * image.w <= most_pixels);
    test::must(image.pixels.size() == static_cast<std::size_t>(image.h * image.w * 3));
    Bytes out(static_cast<std::size_t>(side * side * channels));
    fit_image(image, (data[0] & 128U) != 0 ? ImageFit::crop : ImageFit::stretch, side, side, channels, out.data());
  } catch (const ImageError&) {
    return 0;
  }
  return 0;
}
