#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/file.h"

namespace scnn {

/// A program that runs beside this one.  It has a process group of its own, so that a Ctrl-C reaches only this program,
/// and gets SIGTERM when the thread that started it ends, however that comes about.
class Child {
 public:
  /// Runs `program` with the arguments (the first is its name); stdin is empty, stdout and stderr are appended to
  /// `log`.  `claim` is open in it, too: what lock_file gave stays locked until the child has ended and `claim` is
  /// closed. Error(run_folder) where the log cannot be opened, Error(memory) where no process can be made.
  Child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
        const std::filesystem::path& log, const Descriptor& claim);

  /// The exit code once it has ended, 128 + the number of a signal that ended it.
  [[nodiscard]] std::optional<int> ended();
  /// Sends a signal to it; nothing where it has ended.
  void signal(int number);

 private:
  pid_t pid_ = 0;
  std::optional<int> code_;
};

}  // namespace scnn
