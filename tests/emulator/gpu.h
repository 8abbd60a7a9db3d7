#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <tuple>
#include <type_traits>

#include "emulator/block.h"
#include "emulator/tensor_core.h"
#include "emulator/types.h"
#include "emulator/warp.h"

/// What nvcc gives kernels, for the host compiler: included by cuda/runtime/gpu.h alone.
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

#define threadIdx (::emulator::thread_index())
#define blockIdx (::emulator::block_index())
#define blockDim (::emulator::block_extent())
#define gridDim (::emulator::grid_extent())
#define __syncthreads() ::emulator::block_barrier({__FILE__, __LINE__})

#define __shfl_sync(mask, value, source) \
  ::emulator::shuffle("__shfl_sync", (mask), (value), static_cast<int>(source) & 31, {__FILE__, __LINE__})
#define __shfl_xor_sync(mask, value, bits) \
  ::emulator::shuffle("__shfl_xor_sync", (mask), (value), ::emulator::lane() ^ (bits), {__FILE__, __LINE__})
/// Lanes without a lane `by` above them keep their own value.
#define __shfl_down_sync(mask, value, by)                                                                              \
  ::emulator::shuffle(                                                                                                 \
      "__shfl_down_sync", (mask), (value),                                                                             \
      ::emulator::lane() + static_cast<int>(by) < 32 ? ::emulator::lane() + static_cast<int>(by) : ::emulator::lane(), \
      {__FILE__, __LINE__})
#define __ballot_sync(mask, wanted) ::emulator::ballot((mask), (wanted), {__FILE__, __LINE__})
#define __syncwarp() ::emulator::warp_barrier(0xffffffffU, {__FILE__, __LINE__})

#define GPU_HD inline
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GPU_UNROLL  // unrolled and instrumented, the convolutions compile for ten minutes
#else
#define GPU_UNROLL _Pragma("GCC unroll 16")
#endif
/// The block's shared memory as a T.
#define GPU_SMEM(T, name) T& name = *reinterpret_cast<T*>(::emulator::shared_memory())

/// Integers only: sums of floats in the order of arrival are not deterministic.
template <class T>
T atomicAdd(T* to, T value) {
  static_assert(std::is_integral_v<T>, "float atomics are not deterministic");
  return __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

using cudaStream_t = struct CUstream_st*;

namespace emulator {
/// Puts a launch into the stream; a shape that no device takes becomes the last error instead.
void enqueue_launch(const Shape& shape, std::size_t most_shared_bytes, cudaStream_t stream, std::function<void()> body);
}  // namespace emulator

namespace gpu {

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
            Arguments... arguments) {
  emulator::enqueue_launch({grid, block, shared_bytes}, emulator::shared_bytes_per_block, stream,
                           [kernel, held = std::tuple<Parameters...>(static_cast<Parameters>(arguments)...)] {
                             // Every thread has its own copy of the arguments, made before its memory is watched.
                             const auto code = kernel;
                             const std::tuple<Parameters...> own = held;
                             emulator::set_mode(emulator::Mode::kernel);
                             std::apply(code, own);
                           });
}

}  // namespace gpu
