#pragma once

#include <cstdlib>
#include <string>

#include "core/file.h"
#include "core/python.h"
#include "scnn/core/safetensors.h"
#include "temporary_folder.h"

namespace scnn::test {

/// A Python with PyTorch; empty where there is none.
inline std::string torch_python() { return python_with("numpy, torch"); }

/// Whether tests/compress/check_baselines.py agrees with a case.
inline bool agrees_with_torch(const std::string& python, const Safetensors& values) {
  const TemporaryFolder folder;
  write_file(folder / "case.safetensors", encode_safetensors(values));
  return std::system((python + " tests/compress/check_baselines.py '" + folder.path().string() + "'").c_str()) == 0;
}

}  // namespace scnn::test
