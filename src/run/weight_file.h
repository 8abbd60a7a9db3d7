#pragma once

#include <string>
#include <vector>

#include "scnn/core/tensor.h"

namespace scnn {

/// A tensor of numbers of a file of weights.
struct FileTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  [[nodiscard]] std::string shape_text() const;
};

/// All floating-point tensors of a .safetensors or .npz file, in the file's order (by name in safetensors).
/// Error(experiment) where there is no such file or it is of another kind, Error(checkpoint) where it is damaged.
[[nodiscard]] std::vector<FileTensor> read_weight_file(const std::string& path);

}  // namespace scnn
