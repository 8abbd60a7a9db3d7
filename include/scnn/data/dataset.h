#pragma once

#include <string>
#include <vector>

#include "scnn/core/tensor.h"
#include "scnn/data/options.h"

namespace scnn {

/// Labelled images of one split.
struct ImageSet {
  Tensor images;  ///< uint8 [n, h, w, channels]
  Tensor labels;  ///< int32 [n]
  [[nodiscard]] std::int64_t size() const { return labels.size(); }
};

/// Per channel: a pixel v in 0..255 becomes (v / 255 - mean) / std.
struct Normalisation {
  std::vector<float> mean, std;
};

struct Dataset {
  std::string name;      ///< for people; says when the files are not the official ones
  std::int64_t channels = 0, h = 0, w = 0, classes = 0;
  std::vector<std::string> class_names;
  ImageSet train, validation, test;
  Normalisation normalisation;
  std::vector<std::string> warnings;
};

/// Reads a data set and splits it by `seed`.  Error(data) listing every path tried and the command that gets the files,
/// or naming the damaged file.
[[nodiscard]] Dataset load_dataset(const DataOptions& options, std::uint64_t seed);

}  // namespace scnn
