#include <vector>

#include "backend/checks.h"
#include "backend/cpu/cpu_backend.h"
#include "core/trace.h"
#include "scnn/core/number_format.h"

namespace scnn::cpu {
namespace {

/// body(channel, first weight, number of weights) over the output channels.
template <class Body>
void each_channel(const Workers& workers, const Tensor& values, const Body& body) {
  const std::int64_t channels = values.shape()[0];
  if (channels == 0) return;
  const std::int64_t each = values.size() / channels;
  workers.each(channels, values.size(), [&](std::int64_t c) { body(c, c * each, each); });
}

void quantize_into(const Workers& workers, const WeightView& weights, float* out) {
  const float* w = weights.values->data<float>();
  const float* bits = weights.bits->data<float>();
  const float* exponents = weights.exponents->data<float>();
  each_channel(workers, *weights.values, [=](std::int64_t c, std::int64_t first, std::int64_t n) {
    const ChannelFormat<float> format = channel_format(bits[c], exponents[c]);
    const float* __restrict from = w + first;
    float* __restrict to = out + first;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) to[i] = quantize(from[i], format);
  });
}

}  // namespace

const float* CpuBackend::effective(const WeightView& weights) {
  if (weights.bits == nullptr) return weights.values->data<float>();
  quantized_.resize(static_cast<std::size_t>(weights.values->size()));
  quantize_into(workers_, weights, quantized_.data());
  return quantized_.data();
}

void CpuBackend::quantize(const WeightView& weights, Tensor& y) {
  const TraceScope range("kernel", "quantize");
  checks::weights("quantize", weights);
  checks::same_shape("quantize", *weights.values, y);
  if (weights.bits == nullptr) {
    copy(*weights.values, y);
  } else {
    quantize_into(workers_, weights, y.data<float>());
  }
}

void CpuBackend::quantize_backward(const WeightView& weights, bool revive, Tensor& dw, Tensor& dbits,
                                   Tensor& dexponents) {
  const TraceScope range("kernel", "quantize_backward");
  constexpr const char* op = "quantize_backward";
  checks::weights(op, weights);
  if (weights.bits == nullptr) checks::fail(op, "weights without bits have no such gradient");
  checks::same_shape(op, *weights.values, dw);
  checks::has_shape(op, "dbits", dbits, weights.bits->shape());
  checks::has_shape(op, "dexponents", dexponents, weights.bits->shape());
  const float* w = weights.values->data<float>();
  const float* bits = weights.bits->data<float>();
  const float* exponents = weights.exponents->data<float>();
  float* gradient = dw.data<float>();
  float* db = dbits.data<float>();
  float* de = dexponents.data<float>();
  each_channel(workers_, *weights.values, [=](std::int64_t c, std::int64_t first, std::int64_t n) {
    float* __restrict g = gradient + first;
    if (bits[c] <= 0.0F && !revive) {
      std::fill_n(g, n, 0.0F);
      db[c] = de[c] = 0.0F;
      return;
    }
    const ChannelFormat<float> format = channel_format(bits[c], exponents[c]);
    const float* __restrict from = w + first;
    double b_total = 0;
    double e_total = 0;
    constexpr std::int64_t block = 512;  // float within a block, double across them
    for (std::int64_t begin = 0; begin < n; begin += block) {
      const std::int64_t end = std::min(n, begin + block);
      float b_sum = 0;
      float e_sum = 0;
#pragma omp simd reduction(+ : b_sum, e_sum)
      for (std::int64_t i = begin; i < end; ++i) {
        const QuantizeGradient<float> q = quantize_gradient(from[i], format);
        b_sum += g[i] * q.db;
        e_sum += g[i] * q.de;
        g[i] *= q.dw;
      }
      b_total += static_cast<double>(b_sum);
      e_total += static_cast<double>(e_sum);
    }
    db[c] = static_cast<float>(b_total);
    de[c] = static_cast<float>(e_total);
  });
}

}  // namespace scnn::cpu
