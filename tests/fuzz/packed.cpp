#include "scnn/packed/packed.h"

#include "fuzz.h"
#include "packed_file.h"

using namespace scnn;

/// The body of a packed model; a model that is read is written and read to the same bytes, and makes a network.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Backend> backend = backend_for(Device{}, {1});
  const auto body = std::as_bytes(std::span(data, size));
  test::reads_or_refuses(ErrorKind::checkpoint, [&] { (void)decode(body, "whole"); });
  test::reads_or_refuses(ErrorKind::checkpoint, [&] {
    const PackedModel model = decode(test::file_around(body), "fuzz");
    const auto once = encode(model);
    test::must(encode(decode(once, "again")) == once);
    (void)unpack(model, *backend);
  });
  return 0;
}
