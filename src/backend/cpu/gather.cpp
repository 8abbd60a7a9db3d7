#include <vector>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "core/trace.h"

namespace scnn::cpu {
namespace {

/// Targets [to, to + count) read sources from `from` on, or nothing where `from` is -1.
struct Segment {
  std::int64_t to, from, count;
};

/// Neighbours that stay neighbours become one segment: concatenations and sums over nearly equal sets then copy whole
/// runs.
std::vector<Segment> segments_of(std::span<const std::int32_t> indices, std::int64_t extent) {
  std::vector<Segment> segments;
  for (std::size_t j = 0; j < indices.size(); ++j) {
    const std::int64_t from = indices[j];
    if (from < -1 || from >= extent) {
      checks::fail("gather", "index " + std::to_string(from) + " is outside [-1, " + std::to_string(extent) + ")");
    }
    if (!segments.empty()) {
      Segment& last = segments.back();
      if (from < 0 ? last.from < 0 : (last.from >= 0 && from == last.from + last.count)) {
        ++last.count;
        continue;
      }
    }
    segments.push_back({static_cast<std::int64_t>(j), from, 1});
  }
  return segments;
}

}  // namespace

void CpuBackend::gather(const Tensor& x, int axis, const Tensor& indices, bool add, Tensor& y) {
  const TraceScope range("kernel", "gather");
  Shape expected = x.shape();
  expected.set(axis, indices.size());
  checks::has_shape("gather", "y", y, expected);
  const int at = axis < 0 ? axis + x.shape().rank() : axis;
  std::int64_t outer = 1;
  std::int64_t inner = 1;
  for (int i = 0; i < at; ++i) outer *= x.shape()[i];
  for (int i = at + 1; i < x.shape().rank(); ++i) inner *= x.shape()[i];

  const std::int64_t x_row = x.shape()[at] * inner;
  const std::int64_t y_row = indices.size() * inner;
  std::vector<Segment> segments = segments_of(indices.values<std::int32_t>(), x.shape()[at]);
  for (Segment& s : segments) s = {s.to * inner, s.from < 0 ? -1 : s.from * inner, s.count * inner};
  if (y.size() == 0) return;

  const float* in = x.data<float>();
  float* out = y.data<float>();
  const std::int64_t piece = std::max<std::int64_t>(1, (1 << 13) / y_row);
  workers_.ranges(outer, piece, y.size(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      for (const Segment& s : segments) {
        float* to = out + row * y_row + s.to;
        const float* from = in + row * x_row + s.from;
        if (s.from < 0) {
          if (!add) std::fill_n(to, s.count, 0.0F);
        } else if (add) {
          for (std::int64_t i = 0; i < s.count; ++i) to[i] += from[i];
        } else {
          std::copy_n(from, s.count, to);
        }
      }
    }
  });
}

}  // namespace scnn::cpu
