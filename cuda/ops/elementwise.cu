#include "backend/checks.h"
#include "cuda/runtime/cuda_backend.h"
#include "cuda/runtime/launch.h"

namespace scnn::cuda {
namespace {

struct Scale {
  float alpha;
  __device__ float operator()(float x, float /*y*/) const { return alpha * x; }
};
struct Accumulate {
  float alpha;
  __device__ float operator()(float x, float y) const { return y + alpha * x; }
};
struct Relu {
  __device__ float operator()(float x, float /*y*/) const { return 0.0F > x ? 0.0F : x; }  // NaN stays NaN
};
/// Of the forward result and the gradient.
struct ReluGradient {
  __device__ float operator()(float active, float gradient) const { return active > 0.0F ? gradient : 0.0F; }
};
struct Constant {
  float value;
  __device__ float operator()(float /*x*/, float /*y*/) const { return value; }
};

struct Broadcast {
  std::int64_t channels;
  const float* values;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] = values[i % channels]; }
};

/// Four elements at a time, the last ones alone.  `out` may be `a` or `b`.
template <class F, bool reads_a, bool reads_b>
struct Map {
  std::int64_t n;
  const float* a;
  const float* b;
  float* out;
  F f;

  __device__ void operator()(std::int64_t four) const {
    const std::int64_t at = 4 * four;
    if (at + 4 <= n) {
      const float4 none = make_float4(0, 0, 0, 0);
      const float4 u = reads_a ? *reinterpret_cast<const float4*>(a + at) : none;
      const float4 v = reads_b ? *reinterpret_cast<const float4*>(b + at) : none;
      *reinterpret_cast<float4*>(out + at) = make_float4(f(u.x, v.x), f(u.y, v.y), f(u.z, v.z), f(u.w, v.w));
      return;
    }
    for (std::int64_t i = at; i < n; ++i) out[i] = f(reads_a ? a[i] : 0.0F, reads_b ? b[i] : 0.0F);
  }
};

template <bool reads_a, bool reads_b, class F>
void map(Stream& stream, const char* op, std::int64_t n, const float* a, const float* b, float* out, F f) {
  each(stream, op, (n + 3) / 4, Map<F, reads_a, reads_b>{n, a, b, out, f});
}

}  // namespace

void CudaBackend::fill(Tensor& x, float value) {
  map<false, false>(*stream_, "fill", x.size(), nullptr, nullptr, out("fill", x), Constant{value});
}

void CudaBackend::broadcast(const char* op, const Tensor& values, Tensor& y) {
  each(*stream_, op, y.size(), Broadcast{values.size(), in(op, values), out(op, y)});
}

void CudaBackend::scale(const Tensor& x, float alpha, Tensor& y) {
  checks::same_shape("scale", x, y);
  map<true, false>(*stream_, "scale", x.size(), in("scale", x), nullptr, out("scale", y), Scale{alpha});
}

void CudaBackend::accumulate(const Tensor& x, float alpha, Tensor& y) {
  constexpr const char* op = "accumulate";
  checks::same_shape(op, x, y);
  map<true, true>(*stream_, op, x.size(), in(op, x), in(op, y), out(op, y), Accumulate{alpha});
}

void CudaBackend::relu_forward(const Tensor& x, Tensor& y) {
  constexpr const char* op = "relu_forward";
  checks::same_shape(op, x, y);
  map<true, false>(*stream_, op, x.size(), in(op, x), nullptr, out(op, y), Relu{});
}

void CudaBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  constexpr const char* op = "relu_backward";
  checks::same_shape(op, y, dy);
  checks::same_shape(op, y, dx);
  map<true, true>(*stream_, op, y.size(), in(op, y), in(op, dy), out(op, dx), ReluGradient{});
}

}  // namespace scnn::cuda
