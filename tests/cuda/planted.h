#pragma once

#include <cstdint>

#include "cuda_runtime_api.h"

/// Small kernels for the emulator's own tests: some right, some with one fault each.
namespace scnn::test::planted {

enum class Kernel {
  block_sum,             // right: out[0] = sum of 256 x
  missing_barrier,       // the same without its barrier
  write_after_read,      // shared memory written again before every thread has read it
  race_of_blocks,        // every block adds to out[0] without atomics
  counting,              // right: atomicAdd on integers
  votes,                 // right: ballot, shuffle down, syncwarp
  divergent_barrier,     // half of the block waits at a barrier of its own
  absent_lanes,          // a mask that names lanes that never come
  exited_lane,           // a mask that names a lane that has returned
  foreign_source,        // a shuffle from a lane outside the mask
  not_in_own_mask,       // a lane that its mask does not name
  different_operations,  // lanes of one mask in two operations
  read_beyond,           // x[256]
  write_beyond,          // out[256]
  read_before,           // x[-1]
  shared_beyond,         // behind the shared memory asked for
  device_unwritten,      // out, which nobody wrote
  half_written,          // a float4 of out, of which two floats were written
  half_beyond,           // a float4 half behind the shared memory asked for
  misaligned_copy,       // cp.async to a place of 8 bytes' alignment
  misaligned_vector,     // a float4 at such a place
};

/// x and out: 256 floats of device memory.
void run(Kernel kernel, const float* x, float* out, cudaStream_t stream);

/// out [16, 8] = a [16, 64] b^T [8, 64] in bf16 through cp.async in two stages, ldmatrix and mma.sync.
/// `transposed`: b is given as [64, 8] and loaded with ldmatrix.trans.
void tensor_product(const std::uint16_t* a, const std::uint16_t* b, bool transposed, bool wait_too_weak, float* out,
                    cudaStream_t stream);

/// Host code that reads device memory.
float host_read(const float* device);

}  // namespace scnn::test::planted
