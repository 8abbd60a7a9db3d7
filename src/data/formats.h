#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "scnn/core/random.h"
#include "scnn/data/dataset.h"

/// Readers of the files, and the maker of the made-up set.  Each ends its error messages with `remedy`.
namespace scnn {

/// One split in the IDX format of MNIST (http://yann.lecun.com/exdb/mnist): big-endian magic number and extents, then
/// bytes.  One channel; labels below `classes`.
[[nodiscard]] ImageSet read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                                std::int64_t classes, const std::string& remedy);

/// One split in the binary format of CIFAR (https://www.cs.toronto.edu/~kriz/cifar.html): rows of `label_bytes` labels,
/// the last of which counts, and 32 x 32 pixels of red, then green, then blue; the files one after the other.
[[nodiscard]] ImageSet read_cifar(const std::vector<std::filesystem::path>& files, int label_bytes,
                                  std::int64_t classes, const std::string& remedy);

/// The made-up set: class k is shape k % 6 with texture k / 6, at a drawn place and brightness, over noise.  Integer
/// arithmetic alone, so every machine makes the same pixels.  Error(experiment) on options that cannot be.
[[nodiscard]] Dataset make_synthetic(const SyntheticOptions& options, std::uint64_t seed);

}  // namespace scnn
