#include "backend/checks.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"
#include "scnn/core/random.h"

namespace scnn::cuda {
namespace {

/// The four elements of one draw.
struct Dropout {
  std::int64_t n;
  float rate, keep;
  RandomStream stream;
  const float* x;
  float* y;

  __device__ void operator()(std::int64_t draw) const {
    const Draws draws = stream.resolved().draws(static_cast<std::uint64_t>(draw));
    const std::int64_t at = 4 * draw;
    const auto kept = [&](float value, int k) { return uniform(draws.v[k]) >= rate ? value * keep : 0.0F; };
    if (at + 4 <= n) {
      const float4 v = *reinterpret_cast<const float4*>(x + at);
      *reinterpret_cast<float4*>(y + at) = make_float4(kept(v.x, 0), kept(v.y, 1), kept(v.z, 2), kept(v.w, 3));
      return;
    }
    for (int k = 0; k < 4 && at + k < n; ++k) y[at + k] = kept(x[at + k], k);
  }
};

}  // namespace

void CudaBackend::dropout(const Tensor& x, float rate, const RandomStream& stream, Tensor& y) {
  constexpr const char* op = "dropout";
  checks::same_shape(op, x, y);
  if (!(rate >= 0.0F && rate < 1.0F)) checks::fail(op, "rate " + std::to_string(rate) + " is outside [0, 1)");
  const std::int64_t n = x.size();
  each(*stream_, op, (n + 3) / 4, Dropout{n, rate, 1.0F / (1.0F - rate), stream, in(op, x), out(op, y)});
}

}  // namespace scnn::cuda
