#pragma once

#include <vector>

#include "cuda/conv/bf16/bf16.h"
#include "cuda/runtime/fast_divide.h"
#include "scnn/backend/geometry.h"

/// Convolutions as matrix products that are never written out.  Forward and data gradient are the same gather with
/// different numbers: pixel (r, c) of the destination and tap (i, j) read one pixel of the source, or zero outside it.
namespace scnn::cuda {

/// One axis: tap i of destination place r reads source place r * mult + offset + i * step.
struct GatherAxis {
  int source = 1;  ///< extent of what is read
  int places = 1;  ///< destination places of this gather
  int taps = 1;
  int mult = 1, offset = 0, step = 1;
  int weight_first = 0, weight_step = 1;          ///< tap i uses kernel place weight_first + i * weight_step
  int dest = 1, dest_first = 0, dest_stride = 1;  ///< place r is written to dest_first + r * dest_stride of `dest`
};

/// Both axes of a gather, and how its pixels are numbered: (image, row, column), rows of the matrix product.
struct ConvGather {
  GatherAxis h, w;
  int pixels = 0;         ///< images * h.places * w.places
  int source_chunks = 1;  ///< channel chunks of a source pixel
  int kernel_w = 1;       ///< of the weights' layout
  FastDivide by_w, by_hw;

  struct Pixel {
    int image, row, column;
  };
  [[nodiscard]] GPU_HD Pixel pixel(int m) const {
    const int image = by_hw.quotient(m);
    const int rest = m - image * by_hw.divisor;
    const int row = by_w.quotient(rest);
    return {image, row, rest - row * by_w.divisor};
  }
  /// The destination pixel that row m of the product is written to.
  [[nodiscard]] GPU_HD int dest_pixel(int m) const {
    const Pixel p = pixel(m);
    return (p.image * h.dest + h.dest_first + p.row * h.dest_stride) * w.dest + w.dest_first + p.column * w.dest_stride;
  }
};

/// Order of the reduction over (tap, channel): slabs of `slab` chunks of channels outermost, taps within, so that the
/// taps of one slab find their pixels in the cache.  A step takes `slab` chunks; the last, narrower slab packs several
/// taps into a step, so at most one step is ragged.
struct ReductionOrder {
  int slab = 1, taps = 1, chunks = 1;
  int full_steps = 0, full_chunks = 0, rest = 1, steps = 0;
  FastDivide by_taps, by_rest, by_tap_w;

  ReductionOrder() = default;
  ReductionOrder(int chunks_, int taps_h, int taps_w, int slab_) : slab(slab_), taps(taps_h * taps_w), chunks(chunks_) {
    full_steps = chunks / slab * taps;
    full_chunks = chunks / slab * slab;
    rest = chunks - full_chunks;
    steps = full_steps + (taps * rest + slab - 1) / slab;
    by_taps = FastDivide(taps > 0 ? taps : 1);
    by_rest = FastDivide(rest > 0 ? rest : 1);
    by_tap_w = FastDivide(taps_w > 0 ? taps_w : 1);
  }

  struct Place {
    int tap_h, tap_w, chunk;
    bool valid;
  };
  /// What chunk `j` (0 <= j < slab) of step `t` holds.
  [[nodiscard]] GPU_HD Place place(int t, int j) const {
    int tap;
    int chunk;
    if (t < full_steps) {
      const int s = by_taps.quotient(t);
      tap = t - s * taps;
      chunk = s * slab + j;
    } else {
      const int q = (t - full_steps) * slab + j;
      tap = by_rest.quotient(q);
      chunk = full_chunks + q - tap * rest;
    }
    const int row = by_tap_w.quotient(tap);
    return {row, tap - row * by_tap_w.divisor, chunk, tap < taps};
  }
  /// The inverse: the place of (tap, chunk) in the reduction, counted in chunks.
  [[nodiscard]] GPU_HD int position(int tap, int chunk) const {
    if (chunk < full_chunks) {
      const int s = chunk / slab;
      return (s * taps + tap) * slab + chunk - s * slab;
    }
    return full_steps * slab + tap * rest + chunk - full_chunks;
  }
};

/// y from x: one gather.
[[nodiscard]] ConvGather forward_gather(const Conv2d& shape);
/// dx from dy: one gather for each residue of the input place modulo the stride, so that no product with a zero between
/// strided pixels is ever computed.  A gather without taps writes zeros.
[[nodiscard]] std::vector<ConvGather> backward_data_gathers(const Conv2d& shape);

/// Empty where the kernels of this folder can take `shape`, else the reason: groups, or extents that overflow the
/// 32-bit indices.
[[nodiscard]] const char* tensor_core_refusal(const Conv2d& shape);

}  // namespace scnn::cuda
