#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "scnn/backend/backend.h"

namespace scnn::test {

using Tensors = std::map<std::string, Tensor>;

/// One call of one op: what it is given, what it should give, and what it costs.  The same list is read for values
/// against the double reference, for gradients against finite differences, and for speed; on every backend.
struct OpCase {
  std::string op;                   ///< the virtual of Backend
  std::string name;                 ///< what is special about it
  double tolerance;                 ///< largest |result - reference| over the largest |reference| of that array
  std::function<Arrays()> prepare;  ///< arguments; results filled with junk
  std::function<void(Backend&, Tensors&)> run;  ///< the call, on device tensors of prepare()'s shapes
  std::function<Arrays(const Arrays&)> expect;  ///< results by name, from the same arguments

  /// For backward ops: a scalar whose derivative with respect to argument `second` is result `first`.
  std::vector<std::pair<std::string, std::string>> gradients = {};
  std::function<double(const Arrays&)> objective = {};

  /// For fused ops: the same call of the default, which composes primitives.
  std::function<void(Backend&, Tensors&)> composed = {};

  double flops = 0;         ///< of one call, for speed
  bool timed_only = false;  ///< too large for the slow reference
};

/// Of every batch norm in them.
constexpr float eps_of_cases = 1e-5F, momentum_of_cases = 0.1F;

/// Every case, and the groups it is made of.
[[nodiscard]] std::vector<OpCase> op_cases();
[[nodiscard]] std::vector<OpCase> conv2d_cases();
[[nodiscard]] std::vector<OpCase> linear_cases();
[[nodiscard]] std::vector<OpCase> quantize_cases();
[[nodiscard]] std::vector<OpCase> batch_norm_cases();
[[nodiscard]] std::vector<OpCase> pool_cases();
[[nodiscard]] std::vector<OpCase> elementwise_cases();
[[nodiscard]] std::vector<OpCase> training_cases();
[[nodiscard]] std::vector<OpCase> image_cases();
[[nodiscard]] std::vector<OpCase> fused_cases();
[[nodiscard]] std::vector<OpCase> batch_norm_max_pool_cases();

/// Seeded values, exactly representable as float, in [low, high).
[[nodiscard]] Array uniform_array(const Shape& shape, std::uint32_t seed, double low = -1, double high = 1);
/// Every value as a float holds it.
[[nodiscard]] Array as_float(Array a);
/// Room for a result, filled with what no op may leave there.
[[nodiscard]] Array junk(const Shape& shape, DType dtype = DType::float32);

[[nodiscard]] Tensors upload(Backend& backend, const Arrays& arrays);
[[nodiscard]] Array download(Backend& backend, const Tensor& tensor);

}  // namespace scnn::test
