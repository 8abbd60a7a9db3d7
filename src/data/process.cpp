#include "data/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "scnn/core/error.h"

extern char** environ;

namespace scnn {

ProcessResult run_program(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Error(ErrorKind::data, "cannot run " + arguments[0] + ": " + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);

  ProcessResult result;
  if (failure == 0) {
    result.started = true;
    std::array<char, 4096> buffer{};
    for (;;) {
      const ssize_t n = ::read(ends[0], buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      result.output.append(buffer.data(), static_cast<std::size_t>(n));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
    while (!result.output.empty() && result.output.back() == '\n') result.output.pop_back();
  }
  ::close(ends[0]);
  return result;
}

std::string md5_of(const std::string& path) {
  const ProcessResult result = run_program({"md5sum", "--", path});
  // A backslash opens the line where the path has unusual characters.
  const std::size_t first = result.output.starts_with('\\') ? 1 : 0;
  if (result.status != 0 || result.output.size() < first + 32) {
    throw Error(ErrorKind::data, "cannot check " + path + ": " +
                                     (result.started ? result.output : "md5sum is not installed (package coreutils)"));
  }
  return result.output.substr(first, 32);
}

}  // namespace scnn
