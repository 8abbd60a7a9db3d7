#pragma once

#include <string>
#include <vector>

namespace scnn {

struct ProcessResult {
  bool started = false;  ///< false: the program is not installed
  int status = -1;       ///< exit status; -1 when a signal ended it
  std::string output;    ///< stdout and stderr together
};

/// Runs `arguments[0]`, found on the PATH, without a shell, and waits for it.
[[nodiscard]] ProcessResult run_program(const std::vector<std::string>& arguments);

/// The MD5 of a file by coreutils' md5sum; Error(data) where that cannot be had.
[[nodiscard]] std::string md5_of(const std::string& path);

}  // namespace scnn
