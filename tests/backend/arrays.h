#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scnn/core/dtype.h"
#include "scnn/core/shape.h"

namespace scnn::test {

/// A tensor in double precision, whatever its element type on a device.
struct Array {
  Shape shape;
  std::vector<double> values;
  DType dtype = DType::float32;

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(values.size()); }
  double& operator[](std::int64_t i) { return values[static_cast<std::size_t>(i)]; }
  const double& operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
};

/// The arguments and results of an op by name.
using Arrays = std::map<std::string, Array>;

inline Array zeros(const Shape& shape) { return {shape, std::vector<double>(static_cast<std::size_t>(shape.size()))}; }

[[nodiscard]] inline double dot(const Array& a, const Array& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace scnn::test
