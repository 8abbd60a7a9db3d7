#pragma once

#include <string>

#include "op_cases.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"

namespace scnn::test {

/// The backend that this program is the test of: the CPU's on two threads (test_backend), the CUDA backend on the
/// emulator (test_cuda) or on a GPU (test_gpu).
[[nodiscard]] std::unique_ptr<Backend> tested_backend();

/// The message of the Error of this kind that `action` ends with; any other end fails the test.
[[nodiscard]] std::string message_of(ErrorKind kind, const std::function<void()>& action);

[[nodiscard]] inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A float tensor on the backend with seeded values.
[[nodiscard]] inline Tensor random_tensor(Backend& backend, const Shape& shape, std::uint32_t seed) {
  return upload(backend, {{"x", uniform_array(shape, seed)}}).at("x");
}

[[nodiscard]] inline Tensor tensor_of(Backend& backend, const Shape& shape, const std::vector<float>& values) {
  Tensor tensor = backend.allocate(shape);
  set_values(backend, values, tensor);
  return tensor;
}

}  // namespace scnn::test
