#pragma once

#include <stdexcept>
#include <string>

namespace scnn {

/// What went wrong, as the exit code the program ends with (0 is success).
enum class ErrorKind : int {
  bug = 1,
  usage = 2,
  experiment = 3,   ///< experiment file invalid
  data = 4,         ///< data set missing or damaged
  device = 5,       ///< device or library unusable
  training = 6,     ///< NaN, or no live path left
  checkpoint = 7,   ///< checkpoint or model file damaged
  check = 8,        ///< an expectation was not met
  sweep = 9,        ///< a sweep ended with failed runs
  memory = 10,      ///< out of memory
  run_folder = 11,  ///< run folder not writable, or disk full
  stopped = 75,     ///< stopped on purpose, resumable
  interrupted = 130,
};

/// The one exception type of the project.  The message names the place and the remedy.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] int exit_code() const noexcept { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

/// Throws Error{kind, message} unless `condition` holds.
inline void require(bool condition, ErrorKind kind, const char* message) {
  if (!condition) throw Error(kind, message);
}

}  // namespace scnn
