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

template <class Real>
SCNN_HOST_DEVICE inline ChannelFormat<Real> channel_format(Real bits, Real exponent) {
  using std::exp2;
  const Real half = exp2(bits - Real(1));
  return {exp2(exponent), exp2(-exponent), -half, half - Real(1)};
}

/// The integer that stands for `w`: rint(clamp(2^-e * w)).
template <class Real>
SCNN_HOST_DEVICE inline Real quantize_integer(Real w, const ChannelFormat<Real>& f) {
  const Real s = f.inv_scale * w;
  const Real clamped = s < f.lo ? f.lo : (s > f.hi ? f.hi : s);
#if defined(__CUDA_ARCH__)
  return rint(clamped);
#else
  return std::nearbyint(clamped);
#endif
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
