#pragma once

#include <cmath>

#include "scnn/core/host_device.h"

/// The number format of "Self-Compressing Neural Networks" (arXiv 2301.13142, eq. 1), once for every backend, the
/// reference, the exporter and the runtime.  One pair (b, e) belongs to each output channel of a layer:
///
///     q(w, b, e) = 2^e * rint(min(max(2^-e * w, -2^(b-1)), 2^(b-1) - 1))
///
/// with b >= 0 and e real.  Rounding is to nearest, ties to even: at b = 0 both bounds are -0.5, which must give 0.
namespace scnn {

/// What a channel's (b, e) come to, computed once a channel.
template <class Real>
struct ChannelFormat {
  Real scale;      ///< 2^e
  Real inv_scale;  ///< 2^-e
  Real lo;         ///< -2^(b-1)
  Real hi;         ///< 2^(b-1) - 1
};

/// To nearest, ties to even.
template <class Real>
SCNN_HOST_DEVICE inline Real round_to_even(Real x) {
#if defined(__CUDA_ARCH__)
  return rint(x);
#else
  return std::nearbyint(x);
#endif
}

/// 2^x, the same bits on host and device where products and sums are not contracted (-ffp-contract=off, --fmad=false):
/// libraries and GPUs differ in the last one, which moves a weight near a tie to another integer than the file's. Exact
/// where x is an integer, else within 1.2 units in the last place: a minimax polynomial of 2^f - 1 over [-1/2, 1/2].
SCNN_HOST_DEVICE inline float portable_exp2(float x) {
  if (!(x > -200.0F && x < 200.0F)) return x < 0.0F ? 0.0F : x * 3e38F;  // 0, infinity or NaN
  const float whole = round_to_even(x);
  const float f = x - whole;
  float sum = 0.00015353363F;
  sum = sum * f + 0.0013398875F;
  sum = sum * f + 0.009618437F;
  sum = sum * f + 0.055503324F;
  sum = sum * f + 0.24022648F;
  sum = sum * f + 0.6931472F;
  using std::ldexp;
  return ldexp(1.0F + sum * f, static_cast<int>(whole));
}
/// The library's: double precision serves references alone.
SCNN_HOST_DEVICE inline double portable_exp2(double x) {
  using std::exp2;
  return exp2(x);
}

template <class Real>
SCNN_HOST_DEVICE inline ChannelFormat<Real> channel_format(Real bits, Real exponent) {
  const Real half = portable_exp2(bits - Real(1));
  return {portable_exp2(exponent), portable_exp2(-exponent), -half, half - Real(1)};
}

/// The integer that stands for `w`: rint(clamp(2^-e * w)).
template <class Real>
SCNN_HOST_DEVICE inline Real quantize_integer(Real w, const ChannelFormat<Real>& f) {
  const Real s = f.inv_scale * w;
  return round_to_even(s < f.lo ? f.lo : (s > f.hi ? f.hi : s));
}

/// q(w, b, e).
template <class Real>
SCNN_HOST_DEVICE inline Real quantize(Real w, const ChannelFormat<Real>& f) {
  return f.scale * quantize_integer(w, f);
}

/// Derivatives of q with the straight-through estimator for `rint` alone (the paper, section 3).
template <class Real>
struct QuantizeGradient {
  Real dw;  ///< dq/dw: 1 inside the range, 0 outside
  Real db;  ///< dq/db: 0 inside, -+ ln2 * 2^(b-1) * 2^e below / above
  Real de;  ///< dq/de: ln2 * 2^e * (r - s) inside, ln2 * 2^e * r outside
};

template <class Real>
SCNN_HOST_DEVICE inline QuantizeGradient<Real> quantize_gradient(Real w, const ChannelFormat<Real>& f) {
  const Real ln2 = Real(0.693147180559945309417232);
  const Real s = f.inv_scale * w;
  const Real r = quantize_integer(w, f);
  if (s < f.lo) return {Real(0), ln2 * f.lo * f.scale, ln2 * f.scale * r};
  if (s > f.hi) return {Real(0), -ln2 * f.lo * f.scale, ln2 * f.scale * r};
  return {Real(1), Real(0), ln2 * f.scale * (r - s)};
}

}  // namespace scnn
