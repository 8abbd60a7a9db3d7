#include "scnn/deploy/packed.h"

#include <zlib.h>

#include <algorithm>

#include "deploy/byte_stream.h"
#include "deploy/format.h"
#include "fuzz.h"

using namespace scnn;

namespace {

/// A file around `body` with the right length and checksum: else nothing would get beyond them.
std::vector<std::byte> file_around(std::span<const std::byte> body) {
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

}  // namespace

/// The body of a packed model; a model that is read is written and read to the same bytes, and makes a network.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Backend> backend = backend_for(Device{}, {1});
  const auto body = std::as_bytes(std::span(data, size));
  test::reads_or_refuses(ErrorKind::checkpoint, [&] { (void)decode(body, "whole"); });
  test::reads_or_refuses(ErrorKind::checkpoint, [&] {
    const PackedModel model = decode(file_around(body), "fuzz");
    const auto once = encode(model);
    test::must(encode(decode(once, "again")) == once);
    (void)unpack(model, *backend);
  });
  return 0;
}
