#pragma once

#include <zlib.h>

#include <span>
#include <vector>

#include "packed/byte_stream.h"
#include "packed/format.h"

namespace scnn::test {

/// A file around `body` with the right length and checksum: else nothing would get beyond them.
inline std::vector<std::byte> file_around(std::span<const std::byte> body) {
  deploy::Writer file;
  file.raw(deploy::magic.data(), deploy::magic.size());
  file.byte(deploy::version);
  file.varint(body.size());
  file.raw(body.data(), body.size());
  const auto sum =
      static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(file.bytes().data()), file.bytes().size()));
  file.raw(&sum, sizeof(sum));
  return file.bytes();
}

}  // namespace scnn::test
