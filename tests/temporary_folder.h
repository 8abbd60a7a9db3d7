#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "core/scratch_folder.h"

namespace scnn::test {

/// A folder of its own that goes when the test ends.
class TemporaryFolder : public ScratchFolder {
 public:
  /// Writes a file of this folder, folders on the way included; returns its path.
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path() / name).parent_path());
    std::ofstream(path() / name, std::ios::binary) << text;
    return path() / name;
  }
};

}  // namespace scnn::test
