#include "backend/checks.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {
namespace {

/// One element of y [outer, targets, inner] out of x [outer, sources, inner].
template <bool add>
struct Gather {
  std::int64_t targets, sources, inner;
  const std::int32_t* indices;
  const float* x;
  float* y;
  Fault* faults;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t row = i / inner;
    const std::int64_t outer = row / targets;
    const std::int32_t from = indices[row - outer * targets];
    if (from < -1 || from >= sources) {
      report(faults, FaultKind::index, from, static_cast<int>(sources));
      return;
    }
    const float value = from < 0 ? 0.0F : x[(outer * sources + from) * inner + (i - row * inner)];
    y[i] = add ? y[i] + value : value;
  }
};

}  // namespace

void CudaBackend::gather(const Tensor& x, int axis, const Tensor& indices, bool add, Tensor& y) {
  constexpr const char* op = "gather";
  Shape expected = x.shape();
  expected.set(axis, indices.size());
  checks::has_shape(op, "y", y, expected);
  const int at = axis < 0 ? axis + x.shape().rank() : axis;
  std::int64_t inner = 1;
  for (int i = at + 1; i < x.shape().rank(); ++i) inner *= x.shape()[i];
  const auto run = [&](auto body) { each(*stream_, op, y.size(), body); };
  const std::int64_t targets = indices.size();
  const std::int64_t sources = x.shape()[at];
  const auto* index = in<std::int32_t>(op, indices);
  if (add) {
    run(Gather<true>{targets, sources, inner, index, in(op, x), out(op, y), stream_->faults()});
  } else {
    run(Gather<false>{targets, sources, inner, index, in(op, x), out(op, y), stream_->faults()});
  }
}

}  // namespace scnn::cuda
