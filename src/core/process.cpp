#include "core/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/file.h"
#include "scnn/core/error.h"

extern char** environ;

namespace scnn {

int start_program(const std::vector<std::string>& arguments, std::span<const Redirection> redirections, pid_t& child) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const Redirection& d : redirections) posix_spawn_file_actions_adddup2(&actions, d.from, d.to);
  // This process may wait for signals on a thread of its own, and block them in all others.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int failure = ::posix_spawnp(&child, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

ProcessResult run_program(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.get() < 0 || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Error(ErrorKind::device, "cannot run " + arguments[0] + ": " + std::strerror(errno));
  }
  const Descriptor output(ends[0]);
  ProcessResult result;
  pid_t child = 0;
  {
    const Descriptor input(ends[1]);  // closed here, so that the child's end is the end of its output
    const int to = input.get();
    const Redirection redirections[] = {{nothing.get(), STDIN_FILENO}, {to, STDOUT_FILENO}, {to, STDERR_FILENO}};
    result.started = start_program(arguments, redirections, child) == 0;
  }
  if (!result.started) return result;

  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(output.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    result.output.append(buffer.data(), static_cast<std::size_t>(n));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
  while (!result.output.empty() && result.output.back() == '\n') result.output.pop_back();
  return result;
}

}  // namespace scnn
