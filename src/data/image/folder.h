#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "scnn/data/options.h"

namespace scnn {

struct ImageFile {
  std::string path;  ///< below the root
  std::int32_t label = 0;
  std::uint64_t size = 0;
  std::int64_t time = 0;  ///< of the last change, in the file system's own unit
};

/// What an image folder holds, in the order of class names and paths (by bytes).
struct ImageFolder {
  std::filesystem::path root;
  std::vector<std::string> classes;
  std::vector<ImageFile> train, test;
  std::vector<std::string> warnings;
};

/// Names of the classes: the folders of root/train, or of root where there is no `train`.  Error(data).
[[nodiscard]] std::vector<std::string> image_classes(const std::filesystem::path& root);

/// Where there is no folder `test`, `test_fraction` of each class is held out (at least one image): those whose names
/// have the smallest hashes, so that neither the seed nor other classes matter.  Error(data) naming the folder and the
/// remedy.
[[nodiscard]] ImageFolder list_image_folder(const DataOptions& options);

}  // namespace scnn
