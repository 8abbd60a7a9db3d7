#include <algorithm>
#include <limits>

#include "cuda/conv/bf16/conv_plan.h"
#include "cuda/tuning.h"

namespace scnn::cuda {
namespace {

constexpr int kAny = std::numeric_limits<int>::max();

/// The first row that a product of `outputs` columns and `pixels` rows fits is its tile.
struct ConvRow {
  int most_outputs, least_pixels;
  ConvTile tile;
};
constexpr ConvRow conv_rows[] = {
    {32, 0, ConvTile::m128_n32},
    {64, 128 * kMultiprocessors, ConvTile::m128_n64},
    {64, 0, ConvTile::m64_n64},
    {kAny, 256 * kBlocksAtOnce, ConvTile::m256_n128},  // fewer reads of pixels from the L2 cache
    {kAny, 64 * kMultiprocessors, ConvTile::m128_n128},
    {kAny, 0, ConvTile::m64_n64},
};

struct WgradRow {
  int most_out, most_columns;
  WgradTile tile;
};
constexpr WgradRow wgrad_rows[] = {
    {32, kAny, WgradTile::m32_n128}, {64, 64, WgradTile::m64_n64},      {64, kAny, WgradTile::m64_n128},
    {kAny, 64, WgradTile::m64_n64},  {kAny, 128, WgradTile::m128_n128}, {kAny, kAny, WgradTile::m128_n192},
};

/// Splits enough to fill the GPU once, but steps enough in each to fill its pipeline.
int splits_for(int tiles, int steps, int blocks_at_once) {
  constexpr int least_steps = 8;
  return std::max(1, std::min(blocks_at_once / std::max(tiles, 1), steps / least_steps));
}

int tiles_for(int extent, int of_tile) { return (extent + of_tile - 1) / of_tile; }

}  // namespace

ConvTile conv_tile(int pixels, int outputs) {
  for (const ConvRow& row : conv_rows) {
    if (outputs <= row.most_outputs && pixels >= row.least_pixels) return row.tile;
  }
  return ConvTile::m64_n64;
}

WgradPlan wgrad_plan(const ConvGather& gather, int out_channels, int in_channels) {
  WgradPlan plan;
  const int taps = gather.h.taps * gather.w.taps;
  // Below half a chunk the padding outweighs the product; a third of a pixel more is read than with float indices.
  constexpr int most_narrow_channels = 4;
  constexpr int most_narrow_pixels = 1 << 28;
  plan.narrow = in_channels <= most_narrow_channels && taps * in_channels <= kNarrowColumns &&
                static_cast<std::int64_t>(gather.h.source) * gather.w.source * in_channels < most_narrow_pixels &&
                gather.pixels < most_narrow_pixels;
  if (plan.narrow) {
    plan.splits =
        splits_for(tiles_for(out_channels, kNarrowOut), tiles_for(gather.pixels, kNarrowPixels), 3 * kMultiprocessors);
    return plan;
  }
  const int columns = taps * gather.source_chunks * kChunk;
  for (const WgradRow& row : wgrad_rows) {
    if (out_channels > row.most_out || columns > row.most_columns) continue;
    plan.tile = row.tile;
    break;
  }
  const WgradExtents tile = extents_of(plan.tile);
  const int blocks_at_once = plan.tile == WgradTile::m128_n192 ? kMultiprocessors : kBlocksAtOnce;
  plan.splits = splits_for(tiles_for(out_channels, tile.m) * tiles_for(columns, tile.n),
                           tiles_for(gather.pixels, tile.k), blocks_at_once);
  return plan;
}

}  // namespace scnn::cuda
