#include "cuda/runtime/gpu.h"
#include "planted.h"

namespace scnn::test::planted {
namespace {

constexpr unsigned whole_warp = 0xffffffffU;

struct Partial {
  float of_warp[8];
};

template <bool barrier>
__global__ void block_sum(const float* x, float* out) {
  GPU_SMEM(Partial, partial);
  const unsigned t = threadIdx.x;
  float sum = x[t];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(whole_warp, sum, step);
  if (t % 32 == 0) partial.of_warp[t / 32] = sum;
  if (barrier) __syncthreads();
  if (t == 0) {
    float total = 0;
    for (int w = 0; w < 8; ++w) total += partial.of_warp[w];
    out[0] = total;
  }
}

struct Line {
  float value[256];
};

__global__ void write_after_read(const float* x, float* out) {
  GPU_SMEM(Line, line);
  const unsigned t = threadIdx.x;
  line.value[t] = x[t];
  __syncthreads();
  const float other = line.value[255 - t];
  line.value[t] = 2 * other;
  __syncthreads();
  out[t] = line.value[t];
}

__global__ void race_of_blocks(const float* x, float* out) {
  if (threadIdx.x == 0) out[0] = x[0] + static_cast<float>(blockIdx.x);
}

__global__ void counting(const float* x, float* out) {
  if (x[threadIdx.x] > 0) atomicAdd(reinterpret_cast<unsigned*>(out), 1U);
}

__global__ void votes(const float* x, float* out) {
  const unsigned t = threadIdx.x;
  const unsigned ballot = __ballot_sync(whole_warp, x[t] > 0);
  const unsigned below = __shfl_down_sync(whole_warp, t, 3);
  __syncwarp();
  const float last = __shfl_sync(whole_warp, x[t], 31);
  out[t] = static_cast<float>(ballot >> (t % 32) & 1U) + static_cast<float>(below) + 1000 * last;
}

__global__ void divergent_barrier(float* out) {
  if (threadIdx.x < 128) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}

__global__ void absent_lanes(float* out) {
  float value = 1;
  if (threadIdx.x % 2 == 1) value = __shfl_xor_sync(whole_warp, value, 1);
  __syncthreads();
  out[threadIdx.x] = value;
}

__global__ void exited_lane(float* out) {
  if (threadIdx.x % 32 == 0) return;
  __syncthreads();
  out[threadIdx.x] = __shfl_xor_sync(whole_warp, 1.0F, 1);
}

__global__ void foreign_source(float* out) {
  if (threadIdx.x % 32 < 16) out[threadIdx.x] = __shfl_xor_sync(0xffffU, 1.0F, 16);
}

__global__ void not_in_own_mask(float* out) { out[threadIdx.x] = __shfl_xor_sync(0xffffU, 1.0F, 1); }

__global__ void different_operations(float* out) {
  const bool odd = threadIdx.x % 2 == 1;
  out[threadIdx.x] = odd ? __shfl_xor_sync(whole_warp, 1.0F, 1) : static_cast<float>(__ballot_sync(whole_warp, odd));
}

__global__ void shift(const float* x, float* out, int from, int to) {
  const int t = static_cast<int>(threadIdx.x);
  out[t + to] = x[t + from];
}

__global__ void shared_beyond(float* out) {
  GPU_SMEM(Line, line);
  line.value[threadIdx.x] = 1;
  out[threadIdx.x] = line.value[threadIdx.x];
}

/// In one access: the compiler takes a vector apart that is more than copied.
__device__ void copy_vector(const float* x, float* out) {
  *reinterpret_cast<float4*>(out) = *reinterpret_cast<const float4*>(x);
}

__global__ void half_written(float* out) {
  const unsigned t = threadIdx.x;
  if (t < 2) out[t] = 1;
  __syncthreads();
  if (t == 0) copy_vector(out, out + 4);
}

__global__ void half_beyond(float* out) {
  GPU_SMEM(Line, line);
  const unsigned t = threadIdx.x;
  if (t < 254) line.value[t] = 1;
  __syncthreads();
  if (t == 0) copy_vector(line.value + 252, out);
}

__global__ void misaligned_copy(const float* x) {
  GPU_SMEM(Line, line);
  gpu::cp_async16(&line.value[2], x, true);
}

__global__ void misaligned_vector(float* out) {
  *reinterpret_cast<float4*>(out + 4 * threadIdx.x + (threadIdx.x == 9 ? 2 : 0)) = make_float4(1, 2, 3, 4);
}

struct Stage {
  gpu::bf16 a[16][24];
  gpu::bf16 b[16][24];  // [8][16], or transposed [16][8]
};
struct Stages {
  Stage stage[2];
};

template <bool transposed, int in_flight>
__global__ void tensor_product_kernel(const std::uint16_t* a, const std::uint16_t* b, float* out) {
  GPU_SMEM(Stages, shared);
  const unsigned lane = threadIdx.x;
  const auto load = [&](unsigned step) {
    Stage& stage = shared.stage[step % 2];
    gpu::cp_async16(&stage.a[lane / 2][lane % 2 * 8], a + lane / 2 * 64 + step * 16 + lane % 2 * 8, true);
    if (lane < 16) {
      if (transposed) {
        gpu::cp_async16(&stage.b[lane][0], b + (step * 16 + lane) * 8, true);
      } else {
        gpu::cp_async16(&stage.b[lane / 2][lane % 2 * 8], b + lane / 2 * 64 + step * 16 + lane % 2 * 8, true);
      }
    }
    gpu::cp_commit();
  };
  float sums[4] = {};
  load(0);
  for (unsigned step = 0; step < 4; ++step) {
    if (step < 3) {
      load(step + 1);
    } else {
      gpu::cp_commit();
    }
    gpu::cp_wait<in_flight>();
    __syncwarp();
    const Stage& stage = shared.stage[step % 2];
    std::uint32_t fragment_a[4];
    std::uint32_t fragment_b[4];
    gpu::ldmatrix_x4(fragment_a, &stage.a[lane % 16][lane / 16 * 8]);
    if (transposed) {
      gpu::ldmatrix_x4_trans(fragment_b, &stage.b[lane % 16][0]);
    } else {
      gpu::ldmatrix_x4(fragment_b, &stage.b[lane % 8][lane / 8 % 2 * 8]);
    }
    const std::uint32_t low[2] = {fragment_b[0], fragment_b[1]};
    gpu::mma_bf16(sums, fragment_a, low);
    __syncwarp();
  }
  float* row = out + lane / 4 * 8 + lane % 4 * 2;
  row[0] = sums[0];
  row[1] = sums[1];
  row[64] = sums[2];
  row[65] = sums[3];
}

template <class... Parameters, class... Arguments>
void one_block(void (*kernel)(Parameters...), std::size_t shared_bytes, cudaStream_t stream, Arguments... arguments) {
  gpu::launch(kernel, dim3(1), dim3(256), shared_bytes, stream, arguments...);
}

}  // namespace

void run(Kernel kernel, const float* x, float* out, cudaStream_t stream) {
  switch (kernel) {
    case Kernel::block_sum:
      return one_block(block_sum<true>, sizeof(Partial), stream, x, out);
    case Kernel::missing_barrier:
      return one_block(block_sum<false>, sizeof(Partial), stream, x, out);
    case Kernel::write_after_read:
      return one_block(write_after_read, sizeof(Line), stream, x, out);
    case Kernel::race_of_blocks:
      return gpu::launch(race_of_blocks, dim3(8), dim3(32), 0, stream, x, out);
    case Kernel::counting:
      return gpu::launch(counting, dim3(8), dim3(256), 0, stream, x, out);
    case Kernel::votes:
      return one_block(votes, 0, stream, x, out);
    case Kernel::divergent_barrier:
      return one_block(divergent_barrier, 0, stream, out);
    case Kernel::absent_lanes:
      return one_block(absent_lanes, 0, stream, out);
    case Kernel::exited_lane:
      return one_block(exited_lane, 0, stream, out);
    case Kernel::foreign_source:
      return one_block(foreign_source, 0, stream, out);
    case Kernel::not_in_own_mask:
      return one_block(not_in_own_mask, 0, stream, out);
    case Kernel::different_operations:
      return one_block(different_operations, 0, stream, out);
    case Kernel::read_beyond:
      return one_block(shift, 0, stream, x, out, 1, 0);
    case Kernel::write_beyond:
      return one_block(shift, 0, stream, x, out, 0, 1);
    case Kernel::read_before:
      return one_block(shift, 0, stream, x, out, -1, 0);
    case Kernel::shared_beyond:
      return one_block(shared_beyond, sizeof(Line) - sizeof(float), stream, out);
    case Kernel::device_unwritten:
      return one_block(shift, 0, stream, out, out, 0, 0);
    case Kernel::half_written:
      return one_block(half_written, 0, stream, out);
    case Kernel::half_beyond:
      return one_block(half_beyond, sizeof(Line) - 2 * sizeof(float), stream, out);
    case Kernel::misaligned_copy:
      return one_block(misaligned_copy, sizeof(Line), stream, x);
    case Kernel::misaligned_vector:
      return gpu::launch(misaligned_vector, dim3(1), dim3(32), 0, stream, out);
  }
}

void tensor_product(const std::uint16_t* a, const std::uint16_t* b, bool transposed, bool wait_too_weak, float* out,
                    cudaStream_t stream) {
  const auto kernel = transposed ? tensor_product_kernel<true, 1>
                                 : (wait_too_weak ? tensor_product_kernel<false, 2> : tensor_product_kernel<false, 1>);
  gpu::launch(kernel, dim3(1), dim3(32), sizeof(Stages), stream, a, b, out);
}

float host_read(const float* device) { return *device; }

}  // namespace scnn::test::planted
