#include "backend/checks.h"
#include "backend/cpu/batch_norm.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/max_pool2d.h"

namespace scnn::cpu {
namespace {

/// For max_pool_forward: the winner of slope * (v - centre) + shift, then the activation.
template <bool relu>
struct Normal {
  const float *a, *b, *c;

  [[nodiscard]] Normal from(std::int64_t channel) const { return {a + channel, b + channel, c + channel}; }
  static float value(float v, const float* slope, const float* centre, const float* shift, std::int64_t channel) {
    return slope[channel] * (v - centre[channel]) + shift[channel];
  }
  static float finish(float y) { return relu ? rectify(y) : y; }
};

}  // namespace

void CpuBackend::batch_norm_max_pool_forward(const Pool2d& shape, const Tensor& x, const BatchNorm& norm, Tensor& y,
                                             Tensor& argmax) {
  constexpr const char* op = "batch_norm_max_pool_forward";
  checks::max_pool2d(op, shape, x, y, argmax);
  checks::normalisation(op, norm, shape.channels);
  const NormTerms terms(norm, shape.channels);
  const auto pool = [&]<bool relu>() {
    const Normal<relu> read{terms.slope.data(), terms.centre.data(), terms.shift.data()};
    max_pool_forward(workers_, shape, x.data<float>(), read, y.data<float>(), argmax.data<std::uint8_t>());
  };
  norm.activation == Activation::relu ? pool.operator()<true>() : pool.operator()<false>();
}

}  // namespace scnn::cpu
