#include <cstring>

#include "fuzz.h"
#include "packed_file.h"
#include "scnn/packed/packed.h"
#include "scnn/runtime/scnn_runtime.h"

using namespace scnn;

namespace {

/// Whether the program makes a network of it.
bool program_reads(std::span<const std::byte> file) {
  static const std::unique_ptr<Backend> backend = backend_for(Device{}, {1});
  bool read = false;
  test::reads_or_refuses(ErrorKind::checkpoint, [&] {
    (void)unpack(decode(file, "fuzz"), *backend);
    read = true;
  });
  return read;
}

/// Loads it into a block of just the size that is said to be needed, and runs it where that takes no time.
scnn_rt_status load_and_run(std::span<const std::byte> file) {
  std::size_t bytes = 0;
  scnn_rt_error error = {};
  const scnn_rt_status status = scnn_rt_memory(file.data(), file.size(), nullptr, &bytes, &error);
  test::must(status == error.status && (status == SCNN_RT_OK) == (std::strlen(error.message) == 0));
  constexpr std::size_t largest = 32U << 20U;
  if (status != SCNN_RT_OK || bytes > largest) return status;
  std::vector<char> block(bytes);
  scnn_runtime* runtime = nullptr;
  test::must(scnn_rt_load(file.data(), file.size(), nullptr, block.data(), bytes, &runtime, &error) == SCNN_RT_OK);
  const scnn_rt_info info = scnn_rt_describe(runtime);
  if (info.multiplications < 2'000'000 && info.activation_bytes < 2'000'000 && info.steps < 100) {
    const auto size = static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width) *
                      static_cast<std::size_t>(info.channels);
    const std::vector<std::uint8_t> pixels(size, 200);
    const std::vector<float> image(size, 0.5F);
    std::vector<float> logits(static_cast<std::size_t>(info.classes));
    test::must(scnn_rt_run_u8(runtime, pixels.data(), 1, logits.data()) == SCNN_RT_OK);
    test::must(scnn_rt_run(runtime, image.data(), 1, logits.data()) == SCNN_RT_OK);
  }
  scnn_rt_free(runtime);
  return SCNN_RT_OK;
}

}  // namespace

/// The body of a packed model, for the C runtime.  What the program makes a network of, it loads too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::as_bytes(std::span(data, size));
  (void)load_and_run(body);
  const std::vector<std::byte> file = test::file_around(body);
  const scnn_rt_status status = load_and_run(file);
  test::must(status == SCNN_RT_OK || status == SCNN_RT_MEMORY || !program_reads(file));
  return 0;
}
