#pragma once

#include <span>
#include <vector>

#include "scnn/backend/backend.h"

namespace scnn {

/// A float tensor of any device as host values.  Waits.
[[nodiscard]] inline std::vector<float> host_values(Backend& backend, const Tensor& tensor) {
  Tensor host = Tensor::host(tensor.shape());
  backend.copy(tensor, host);
  const auto values = host.values<float>();
  return {values.begin(), values.end()};
}

/// Overwrites a float tensor of any device with as many host values.  Waits.
inline void set_values(Backend& backend, std::span<const float> values, Tensor& tensor) {
  backend.copy(Tensor::of(tensor.shape(), values), tensor);
}

/// Indices for Backend::gather.
[[nodiscard]] inline Tensor device_indices(Backend& backend, std::span<const std::int32_t> indices) {
  const Shape shape{static_cast<std::int64_t>(indices.size())};
  Tensor tensor = backend.allocate(shape, DType::int32);
  backend.copy(Tensor::of(shape, indices), tensor);
  return tensor;
}

}  // namespace scnn
