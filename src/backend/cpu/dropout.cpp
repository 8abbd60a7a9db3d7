#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "core/trace.h"

namespace scnn::cpu {

void CpuBackend::dropout(const Tensor& x, float rate, const RandomStream& stream, Tensor& y) {
  const TraceScope range("kernel", "dropout");
  checks::same_shape("dropout", x, y);
  if (!(rate >= 0.0F && rate < 1.0F)) checks::fail("dropout", "rate " + std::to_string(rate) + " is outside [0, 1)");
  const float* in = x.data<float>();
  float* out = y.data<float>();
  const float keep = 1.0F / (1.0F - rate);
  const RandomStream resolved = stream.resolved();
  const std::int64_t n = x.size();
  // Pieces of whole draws, so that an element's draw depends on its place alone.
  constexpr std::int64_t piece = 1024;
  workers_.ranges((n + 3) / 4, piece, n, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t d = begin; d < end; ++d) {
      const Draws draws = resolved.draws(static_cast<std::uint64_t>(d));
      const std::int64_t first = 4 * d;
      const std::int64_t count = std::min<std::int64_t>(4, n - first);
      for (std::int64_t k = 0; k < count; ++k) {
        out[first + k] = uniform(draws.v[k]) >= rate ? in[first + k] * keep : 0.0F;
      }
    }
  });
}

}  // namespace scnn::cpu
