#pragma once

#include "cuda/runtime/launch.h"
#include "cuda/tuning.h"

/// Sums over the rows of a [rows, channels] array, the shape of every statistic in NHWC.
///
/// A block is a rectangle: its columns read neighbouring channels, its rows every so manieth row of a slice.  Slices
/// depend on the shape alone and are added in their order: the same bits every time.
namespace scnn::cuda {

struct ColumnShape {
  std::int64_t rows, channels, slice;  ///< rows of a slice
  unsigned columns, slices;            ///< channels side by side in a block

  ColumnShape(std::int64_t rows_, std::int64_t channels_) : rows(rows_), channels(channels_), slice(1), columns(1) {
    while (columns < 32 && static_cast<std::int64_t>(columns) < channels) columns *= 2;
    const std::int64_t step = block_threads / columns;
    const std::int64_t column_blocks = (channels + columns - 1) / columns;
    // At least eight rows a thread, and about as many blocks as fill a large GPU twice.
    std::int64_t most = rows / (8 * step);
    const std::int64_t enough = kReductionBlocks / column_blocks;
    if (most > enough) most = enough;
    if (most < 1) most = 1;
    slice = (rows + most - 1) / most;
    slices = slice > 0 ? blocks_for(rows, slice) : 0;
  }
  [[nodiscard]] std::int64_t partials() const { return 2 * channels * slices; }
};

struct PairSums {
  double first[block_threads], second[block_threads];
};

/// partial [slices, 2, channels] = sums of term(offset, channel), a pair of floats, over the rows of a slice.
template <class Term>
__global__ void __launch_bounds__(block_threads)
    column_sums_kernel(std::int64_t rows, std::int64_t channels, std::int64_t slice, Term term, double* partial) {
  GPU_SMEM(PairSums, sums);
  const unsigned t = threadIdx.y * blockDim.x + threadIdx.x;
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  double first = 0;
  double second = 0;
  if (channel < channels) {
    const std::int64_t begin = static_cast<std::int64_t>(blockIdx.y) * slice;
    const std::int64_t end = begin + slice < rows ? begin + slice : rows;
    for (std::int64_t row = begin + threadIdx.y; row < end; row += blockDim.y) {
      const float2 v = term(row * channels + channel, channel);
      first += static_cast<double>(v.x);
      second += static_cast<double>(v.y);
    }
  }
  sums.first[t] = first;
  sums.second[t] = second;
  __syncthreads();
  if (threadIdx.y != 0 || channel >= channels) return;
  for (unsigned y = 1; y < blockDim.y; ++y) {
    first += sums.first[y * blockDim.x + t];
    second += sums.second[y * blockDim.x + t];
  }
  double* out = partial + static_cast<std::int64_t>(blockIdx.y) * 2 * channels + channel;
  out[0] = first;
  out[channels] = second;
}

template <class Term>
void column_sums(Stream& stream, const char* op, const ColumnShape& shape, Term term, double* partial) {
  const dim3 grid(blocks_for(shape.channels, shape.columns), shape.slices);
  launch(stream, op, column_sums_kernel<Term>, grid, dim3(shape.columns, block_threads / shape.columns),
         sizeof(PairSums), shape.rows, shape.channels, shape.slice, term, partial);
}

/// The slices of one channel, added in their order.
struct SliceSum {
  const double* partial;
  std::int64_t channels;
  unsigned slices;

  __device__ double first(std::int64_t channel) const { return sum(channel); }
  __device__ double second(std::int64_t channel) const { return sum(channels + channel); }

 private:
  __device__ double sum(std::int64_t at) const {
    double total = 0;
    for (unsigned s = 0; s < slices; ++s) total += partial[s * 2 * channels + at];
    return total;
  }
};

}  // namespace scnn::cuda
