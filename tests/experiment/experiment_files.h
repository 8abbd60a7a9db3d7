#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "scnn/core/error.h"
#include "scnn/experiment/experiment.h"

namespace scnn::test {

/// A folder of its own for each test, gone at the end.
class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("scnn-experiment-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
  const Folder folder;
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
  const Folder folder;
  return mistakes_in(folder.write("exp.yaml", text), overrides);
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace scnn::test
