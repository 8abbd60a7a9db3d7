#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scnn/core/error.h"
#include "scnn/settings/experiment.h"
#include "temporary_folder.h"

namespace scnn::test {

inline const std::string valid_data = "data: {type: fashion_mnist}\n";
inline const std::string valid_model =
    "model:\n"
    "  input: [1, 28, 28]\n"
    "  layers:\n"
    "    - {name: conv1, type: conv2d, out: 8, kernel: 3}\n"
    "    - {type: flatten}\n"
    "    - {name: fc, type: linear, out: 10}\n";
inline const std::string valid = valid_data + valid_model;

inline Experiment load(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const TemporaryFolder folder;
  return load_experiment(folder.write("exp.yaml", text), overrides);
}

/// The message of a file that must not load, its folder left out; empty if it loads.
inline std::string mistakes_in(const std::filesystem::path& file, const std::vector<std::string>& overrides = {}) {
  try {
    (void)load_experiment(file, overrides);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::experiment) return "another kind of error: " + std::string(error.what());
    std::string text = error.what();
    const std::string folder = file.parent_path().string() + "/";
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.erase(at, folder.size());
    return text;
  }
  return "";
}

inline std::string mistakes(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const TemporaryFolder folder;
  return mistakes_in(folder.write("exp.yaml", text), overrides);
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace scnn::test
