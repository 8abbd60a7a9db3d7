#include <cuda_runtime_api.h>

#include "bench.h"
#include "cuda/runtime/launch.h"
#include "library.h"
#include "numbers.h"

namespace scnn::bench {
namespace {

constexpr int kThreads = 256;

/// Every thread reads its own 16-byte places of `bytes` bytes, `rounds` times over; `out` keeps the reads alive.
__global__ void __launch_bounds__(kThreads) read_again(const float4* from, int places, int rounds, float* out) {
  float sum = 0;
  const int stride = static_cast<int>(gridDim.x) * kThreads;
  for (int r = 0; r < rounds; ++r) {
    // Another start each round, or the compiler would read once.
    for (int i = (static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x) + r * 1024) % places, n = 0;
         n < places; i = (i + stride) % places, n += stride) {
      const float4 v = from[i];
      sum += v.x + v.y + v.z + v.w;
    }
  }
  out[blockIdx.x * kThreads + threadIdx.x] = sum;
}

}  // namespace

std::vector<Row> ceilings(const Options& options) {
  cuda::Stream stream(0);
  const auto wait = [&] { stream.wait(); };
  std::vector<Row> rows;
  {
    const auto bytes = static_cast<std::int64_t>(options.copy_bytes);
    const cuda::Scratch<char> from(stream, bytes);
    const cuda::Scratch<char> to(stream, bytes);
    stream.zero(from.data(), options.copy_bytes);
    const double seconds = seconds_of(
        options, [&] { stream.copy(to.data(), from.data(), options.copy_bytes); }, wait);
    rows.push_back(
        {"ceilings", "copy of device memory", "cudaMemcpyAsync", seconds, 0, 2.0 * static_cast<double>(bytes)});
  }
  {
    const std::int64_t bytes = std::min<std::int64_t>(16 << 20, static_cast<std::int64_t>(options.copy_bytes));
    const int rounds = options.batch >= 64 ? 64 : 2;
    const unsigned blocks = options.batch >= 64 ? 132 * 8 : 2;
    const auto places = static_cast<int>(bytes / 16);
    const cuda::Scratch<float4> from(stream, places);
    const cuda::Scratch<float> out(stream, static_cast<std::int64_t>(blocks) * kThreads);
    stream.zero(from.data(), static_cast<std::size_t>(bytes));
    const double seconds = seconds_of(
        options,
        [&] {
          cuda::launch(stream, "read_again", read_again, dim3(blocks), dim3(kThreads), 0,
                       static_cast<const float4*>(from.data()), places, rounds, out.data());
        },
        wait);
    rows.push_back({"ceilings", "reads from the L2 cache", "16 MiB again and again", seconds, 0,
                    static_cast<double>(bytes) * rounds});
  }
  if (const auto library = library_on(stream)) {
    const std::int64_t n = options.product;
    const Filled<cuda::Bf16> a(stream, n * n);
    const Filled<cuda::Bf16> b(stream, n * n);
    const cuda::Scratch<float> c(stream, n * n);
    const int extent = static_cast<int>(n);
    const double seconds = seconds_of(
        options,
        [&] {
          library->multiply(cuda::ConvPass::forward, {extent, extent, extent, extent, extent}, Precision::bf16,
                            a.data(), b.data(), c.data());
        },
        wait);
    const auto side = static_cast<double>(n);
    rows.push_back(
        {"ceilings", "bf16 product, side " + std::to_string(n), "cuBLAS", seconds, 2 * side * side * side, 0});
  }
  return rows;
}

}  // namespace scnn::bench
