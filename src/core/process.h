#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

namespace scnn {

/// A program finds at its descriptor `to` the file that this process has open at `from`.
struct Redirection {
  int from, to;
};

/// Starts `arguments[0]`, found on the PATH, without a shell, with no signal blocked.  Returns 0 and its id in
/// `child`, or why it could not be started, as errno says it.
[[nodiscard]] int start_program(const std::vector<std::string>& arguments, std::span<const Redirection> redirections,
                                pid_t& child);

struct ProcessResult {
  bool started = false;  ///< false: the program is not installed
  int status = -1;       ///< exit status; -1 when a signal ended it
  std::string output;    ///< stdout and stderr together
};

/// Starts a program with nothing to read on stdin, and waits for its end.
[[nodiscard]] ProcessResult run_program(const std::vector<std::string>& arguments);

}  // namespace scnn
