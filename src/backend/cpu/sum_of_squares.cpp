#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "core/trace.h"

namespace scnn::cpu {

double CpuBackend::sum_of_squares(const Tensor& x) {
  const TraceScope range("kernel", "sum_of_squares");
  if (x.size() == 0) return 0;
  constexpr std::int64_t piece = 1 << 13;
  const float* in = x.data<float>();
  std::vector<double> partial(static_cast<std::size_t>((x.size() + piece - 1) / piece));
  workers_.ranges(x.size(), piece, x.size(), [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = begin; i < end; ++i) sum += static_cast<double>(in[i]) * static_cast<double>(in[i]);
    partial[static_cast<std::size_t>(begin / piece)] = sum;
  });
  double total = 0;
  for (const double p : partial) total += p;
  return total;
}

}  // namespace scnn::cpu
