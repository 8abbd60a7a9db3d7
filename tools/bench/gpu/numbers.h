#pragma once

#include "cuda/conv/bf16/bf16.h"
#include "cuda/runtime/launch.h"

namespace scnn::bench {

/// Numbers between -2 and 2: zeros would draw less power than a network's numbers, and so run faster.
template <class T>
struct Numbers {
  T* values;
  __device__ void operator()(std::int64_t i) const {
    const float x = static_cast<float>((i * 2654435761LL >> 7) % 509 - 254) / 128.0F;
    if constexpr (sizeof(T) == 2) {
      values[i] = cuda::to_bf16(x);
    } else {
      values[i] = x;
    }
  }
};

/// Device memory with numbers in it.
template <class T>
class Filled : public cuda::Scratch<T> {
 public:
  Filled(cuda::Stream& stream, std::int64_t count) : cuda::Scratch<T>(stream, count) {
    cuda::each(stream, "numbers", count, Numbers<T>{this->data()});
  }
};

}  // namespace scnn::bench
