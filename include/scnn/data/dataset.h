#pragma once

#include <functional>
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

/// `count` images (all, if there are no more) at equal distances in the set's order; both on the host.
[[nodiscard]] ImageSet strided_subset(const ImageSet& set, std::int64_t count);

/// Per channel: a pixel v in 0..255 becomes (v / 255 - mean) / std.
struct Normalization {
  std::vector<float> mean, std;
};

/// [channels, 256]: what each value of a pixel becomes.
[[nodiscard]] std::vector<float> normalization_table(const Normalization& normalization);

/// Mean and standard deviation of each channel of [n, h, w, channels] pixels, from exact counts: the same whatever the
/// order of the images.  A channel of one colour gets a deviation of 1.
[[nodiscard]] Normalization measure_normalization(const Tensor& images);

struct Dataset {
  std::string name;  ///< for people; says when the files are not the official ones
  std::int64_t channels = 0, h = 0, w = 0, classes = 0;
  std::vector<std::string> class_names;
  ImageSet train, validation, test;
  Normalization normalization;
  std::vector<std::string> warnings;
};

/// Reads a data set and splits it by `seed`: a seeded shuffle of the training images, of which the first
/// `train_limit` stay; of these the last `validation_fraction` are held out, and both parts keep the files' order.
/// Normalization is measured on what is then left for training.  Error(data) listing every path tried and the command
/// that gets the files, or naming the damaged file with what was found and expected.  SettingsError naming a setting
/// that cannot be.
/// `progress` gets a line every few seconds of work that takes long.
[[nodiscard]] Dataset load_dataset(const DataOptions& options, std::uint64_t seed,
                                   const std::function<void(const std::string&)>& progress = {});

}  // namespace scnn
