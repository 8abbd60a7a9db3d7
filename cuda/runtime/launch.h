#pragma once

#include <cstdint>

#include "cuda/runtime/gpu.h"
#include "cuda/runtime/runtime.h"

namespace scnn::cuda {

constexpr unsigned block_threads = 256;

template <class... Parameters, class... Arguments>
void launch(Stream& stream, const char* op, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            std::size_t shared_bytes, Arguments... arguments) {
  stream.use();
  gpu::launch(kernel, grid, block, shared_bytes, static_cast<cudaStream_t>(stream.handle()), arguments...);
  Stream::check_launch(op);
}

inline unsigned blocks_for(std::int64_t items, std::int64_t of_block) {
  return static_cast<unsigned>((items + of_block - 1) / of_block);
}

template <class Body>
__global__ void __launch_bounds__(block_threads) each_kernel(std::int64_t n, Body body) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * block_threads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * block_threads + threadIdx.x; i < n; i += step) body(i);
}

/// body(i) for i in [0, n), neighbours by neighbouring threads.
template <class Body>
void each(Stream& stream, const char* op, std::int64_t n, Body body) {
  if (n == 0) return;
  constexpr std::int64_t most_blocks = 4096;  // some waves on the largest GPUs; more work stays in the loop
  const std::int64_t blocks = (n + block_threads - 1) / block_threads;
  launch(stream, op, each_kernel<Body>, dim3(static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks)),
         dim3(block_threads), 0, n, body);
}

/// Adds v over the lanes of a warp, the same way in every lane.
template <class T>
__device__ __forceinline__ T warp_sum(T v) {
  GPU_UNROLL
  for (int step = 16; step > 0; step /= 2) v += __shfl_xor_sync(0xffffffffU, v, step);
  return v;
}

/// Reports a value that the contract does not allow.
__device__ __forceinline__ void report(Fault* faults, FaultKind what, int value, int limit) {
  if (atomicAdd(&faults->count, 1U) == 0U) {
    faults->what = static_cast<int>(what);
    faults->value = value;
    faults->limit = limit;
  }
}

}  // namespace scnn::cuda
