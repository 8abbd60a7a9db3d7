#include "scnn/core/safetensors.h"

#include "fuzz.h"

using namespace scnn;

/// What is read is written again and read back to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::refuse_or_read(
      [&] {
        const auto file = decode_safetensors(test::bytes_of(data, size), "fuzz");
        const auto once = encode_safetensors(file);
        if (encode_safetensors(decode_safetensors(once, "again")) != once) std::abort();
      },
      ErrorKind::checkpoint);
  return 0;
}
