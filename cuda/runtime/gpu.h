#pragma once

/// What kernels are written against.  Under nvcc: thin wrappers over CUDA and inline PTX.  Under the host compiler: the
/// emulator of tests/emulator, which runs the same kernels in every test run without a GPU.
#if !defined(__CUDACC__)

#include "emulator/gpu.h"

#else

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#define GPU_HD __host__ __device__ __forceinline__
#define GPU_UNROLL _Pragma("unroll")
/// The block's shared memory as a T.
#define GPU_SMEM(T, name)                                        \
  extern __shared__ __align__(128) unsigned char name##_bytes[]; \
  T& name = *reinterpret_cast<T*>(name##_bytes)

namespace gpu {

struct bf16 {
  std::uint16_t bits;
};

/// kernel<<<grid, block, shared_bytes, stream>>>(parameters...), the arguments converted.
template <class... Parameters>
void launch_converted(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                      cudaStream_t stream, Parameters... parameters) {
  void* places[] = {&parameters...};
  cudaLaunchKernel(kernel, grid, block, places, shared_bytes, stream);
}

/// Puts a kernel into the stream; what goes wrong is the last error.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
            Arguments... arguments) {
  constexpr std::size_t without_asking = 48 * 1024;
  if (shared_bytes > without_asking) {
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  }
  launch_converted<Parameters...>(kernel, grid, block, shared_bytes, stream, static_cast<Parameters>(arguments)...);
}

__device__ __forceinline__ unsigned shared_address(const void* place) {
  return static_cast<unsigned>(__cvta_generic_to_shared(place));
}

/// 16 bytes to shared memory, zeros where not `wanted`.  They arrive at the wait and no earlier.
__device__ __forceinline__ void cp_async16(void* to, const void* from, bool wanted) {
  const int bytes = wanted ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(bytes)
               : "memory");
}

__device__ __forceinline__ void cp_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most N groups are on their way.
template <int N>
__device__ __forceinline__ void cp_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

/// Four 8x8 matrices of 16-bit elements; lane 8 m + r names row r of matrix m.
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrix_x4_trans(std::uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

/// sums += a b, m16n8k16, bf16 in, float out.
__device__ __forceinline__ void mma_bf16(float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace gpu

#endif
