#pragma once

#include <string>
#include <vector>

namespace scnn {

/// Whose names and orders of axes a file of weights has.
enum class WeightLayout {
  pytorch,  ///< a state_dict: convolutions OIHW, linear layers behind a flatten (c, h, w), batch norm weight and bias
  scnn,     ///< this program's: a checkpoint or `scnn export --format npz`
};

/// Tensors of the file and the parameters they are for.
struct WeightRule {
  std::string from;  ///< "features.0", a module, or "features.0.weight", a tensor; * stands for any characters
  std::string to;    ///< "conv1" or "conv1.weight"; a * is what the one in `from` stood for
};

/// Trained weights that training starts from.
struct InitialWeights {
  std::string from;  ///< .safetensors or .npz; empty: random weights
  WeightLayout layout = WeightLayout::pytorch;
  std::vector<WeightRule> map;    ///< the first that fits; names that none fits stay
  std::vector<std::string> skip;  ///< parameters, by name or glob, that stay random
};

}  // namespace scnn
