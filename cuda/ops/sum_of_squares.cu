#include <algorithm>
#include <vector>

#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"
#include "cuda/tuning.h"

namespace scnn::cuda {
namespace {

struct BlockSums {
  double of_warp[block_threads / 32];
};

/// partial[block] = the sum over the block's share, always in the same order.
__global__ void __launch_bounds__(block_threads)
    sum_of_squares_kernel(std::int64_t n, const float* x, double* partial) {
  GPU_SMEM(BlockSums, sums);
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * block_threads;
  double sum = 0;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * block_threads + threadIdx.x; i < n; i += step) {
    sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) sums.of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  double total = 0;
  for (const double part : sums.of_warp) total += part;
  partial[blockIdx.x] = total;
}

}  // namespace

double CudaBackend::sum_of_squares(const Tensor& x) {
  constexpr const char* op = "sum_of_squares";
  if (x.size() == 0) return 0;
  const unsigned wanted = blocks_for(x.size(), 4 * block_threads);
  const unsigned blocks = std::min(wanted, static_cast<unsigned>(kReductionBlocks));
  const Scratch<double> partial(*stream_, blocks);
  launch(*stream_, op, sum_of_squares_kernel, dim3(blocks), dim3(block_threads), sizeof(BlockSums), x.size(), in(op, x),
         partial.data());
  std::vector<double> parts(blocks);
  stream_->copy(parts.data(), partial.data(), blocks * sizeof(double));
  stream_->wait();
  double total = 0;
  for (const double part : parts) total += part;
  return total;
}

}  // namespace scnn::cuda
