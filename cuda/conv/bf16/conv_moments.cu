#include "cuda/conv/bf16/conv_moments.h"

namespace scnn::cuda {
namespace {

constexpr int kColumns = 32;  ///< channels of a block: whole sectors of a row of moments
constexpr int kGroups = 16;   ///< of tiles, summed side by side

struct MomentsMemory {
  double sums[kGroups][kColumns];
};

/// The mean first, then squares around it: (sum of squares) - (square of the sum) would cancel.
__global__ void __launch_bounds__(kColumns* kGroups) finish_moments(const MomentsOfTiles m) {
  GPU_SMEM(MomentsMemory, memory);
  const int column = static_cast<int>(threadIdx.x) % kColumns;
  const int group = static_cast<int>(threadIdx.x) / kColumns;
  const int channel = static_cast<int>(blockIdx.x) * kColumns + column;
  const int tiles = (m.pixels + m.tile_rows - 1) / m.tile_rows;
  const auto total = [&](const auto& of_tile) {
    double sum = 0;
    if (channel < m.channels) {
      for (int t = group; t < tiles; t += kGroups) {
        const int rows = m.pixels - t * m.tile_rows < m.tile_rows ? m.pixels - t * m.tile_rows : m.tile_rows;
        sum += of_tile(m.tiles[static_cast<std::int64_t>(t) * m.channels + channel], static_cast<double>(rows));
      }
    }
    memory.sums[group][column] = sum;
    __syncthreads();
    sum = 0;
    GPU_UNROLL
    for (int g = 0; g < kGroups; ++g) sum += memory.sums[g][column];
    __syncthreads();  // before the next total overwrites them
    return sum;
  };
  const double mean = total([](const Moments& t, double rows) { return rows * static_cast<double>(t.mean); }) /
                      static_cast<double>(m.pixels);
  const double squares = total([mean](const Moments& t, double rows) {
    const double d = static_cast<double>(t.mean) - mean;
    return static_cast<double>(t.squares) + rows * d * d;
  });
  if (group != 0 || channel >= m.channels) return;
  m.mean[channel] = static_cast<float>(mean);
  m.variance[channel] = static_cast<float>(squares / static_cast<double>(m.pixels));
}

}  // namespace

void launch_finish_moments(Stream& stream, const char* op, const MomentsOfTiles& args) {
  if (args.channels == 0 || args.pixels == 0) return;
  launch(stream, op, finish_moments, dim3(blocks_for(args.channels, kColumns)), dim3(kColumns * kGroups),
         sizeof(MomentsMemory), args);
}

}  // namespace scnn::cuda
