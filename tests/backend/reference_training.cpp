#include <cmath>

#include "reference.h"

namespace scnn::test::reference {

Arrays softmax_cross_entropy(const Array& logits, const Array& labels, double smoothing) {
  const std::int64_t batch = logits.shape[0], classes = logits.shape[1];
  Arrays r{{"loss", zeros({batch})}, {"predicted", zeros({batch})}, {"dlogits", zeros(logits.shape)}};
  for (std::int64_t n = 0; n < batch; ++n) {
    const auto z = [&](std::int64_t c) { return logits[n * classes + c]; };
    std::int64_t top = 0;
    for (std::int64_t c = 1; c < classes; ++c) top = z(c) > z(top) ? c : top;
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(z(c) - z(top));
    r["predicted"][n] = static_cast<double>(top);
    for (std::int64_t c = 0; c < classes; ++c) {
      const double target =
          (static_cast<double>(c) == labels[n] ? 1 - smoothing : 0.0) + smoothing / static_cast<double>(classes);
      const double log_p = z(c) - z(top) - std::log(sum);
      r["loss"][n] -= target * log_p;
      r["dlogits"][n * classes + c] = (std::exp(log_p) - target) / static_cast<double>(batch);
    }
  }
  return r;
}

namespace {

/// Whether the rule leaves element i to the optimizer; otherwise deals with it.
bool updates(const Rule& rule, std::int64_t i, Array& value, Array& first, Array* second) {
  if (rule.pull != nullptr && (*rule.pull)[i] > 0) {
    first[i] = 0;
    if (second != nullptr) (*second)[i] = 0;
    const double by = (*rule.pull)[i];
    value[i] = value[i] > by ? value[i] - by : value[i] < -by ? value[i] + by : 0;
    return false;
  }
  return rule.bits == nullptr || (*rule.bits)[i / (value.size() / value.shape[0])] != 0;
}

void clamp(const Rule& rule, std::int64_t i, Array& value, Array& first) {
  if (value[i] >= rule.lower && value[i] <= rule.upper) return;
  value[i] = value[i] < rule.lower ? rule.lower : rule.upper;
  first[i] = 0;
}

}  // namespace

void adam(const AdamStep& s, const Rule& rule, const Array& gradient, Array& m, Array& v, Array& value) {
  const double lr = s.lr.get(), beta1 = s.beta1, beta2 = s.beta2, decay = s.weight_decay;
  for (std::int64_t i = 0; i < value.size(); ++i) {
    if (!updates(rule, i, value, m, &v)) continue;
    double g = gradient[i] * s.gradient_scale;
    if (s.decoupled) {
      value[i] -= lr * decay * value[i];
    } else {
      g += decay * value[i];
    }
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g * g;
    value[i] -= lr * (m[i] / s.correction1.get()) / (std::sqrt(v[i] / s.correction2.get()) + s.eps);
    clamp(rule, i, value, m);
  }
}

void sgd(const SgdStep& s, const Rule& rule, const Array& gradient, Array& velocity, Array& value) {
  for (std::int64_t i = 0; i < value.size(); ++i) {
    if (!updates(rule, i, value, velocity, nullptr)) continue;
    double g = gradient[i] * s.gradient_scale + s.weight_decay * value[i];
    velocity[i] = s.momentum * velocity[i] + g;
    g = s.nesterov ? g + s.momentum * velocity[i] : velocity[i];
    value[i] -= s.lr * g;
    clamp(rule, i, value, velocity);
  }
}

}  // namespace scnn::test::reference
