#include "sweep/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "scnn/core/error.h"

namespace scnn {
namespace {

/// Not start_program of core/process.h: posix_spawn cannot ask for a signal at the parent's death.  Between fork and
/// exec only async-signal-safe calls are allowed: this program has threads.
[[noreturn]] void become(const char* program, char* const* arguments, int log, int claim, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  for (const int number : {SIGINT, SIGTERM}) (void)std::signal(number, SIG_DFL);  // a handler is the parent's code
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);  // the parent blocks the signals it waits for
  if (claim >= 0) ::fcntl(claim, F_SETFD, 0);
  const int nothing = ::open("/dev/null", O_RDONLY);
  const bool ready = ::getppid() == parent && nothing >= 0 && ::dup2(nothing, STDIN_FILENO) >= 0 &&
                     ::dup2(log, STDOUT_FILENO) >= 0 && ::dup2(log, STDERR_FILENO) >= 0;
  if (ready) ::execv(program, arguments);
  ::_exit(127);
}

}  // namespace

Child::Child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
             const std::filesystem::path& log, const Descriptor& claim) {
  const Descriptor file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (file.get() < 0) {
    throw Error(ErrorKind::run_folder, fmt::format("cannot write {}: {}", log.string(), std::strerror(errno)));
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const std::string path = program.string();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(path.c_str(), argv.data(), file.get(), claim.get(), parent);
  if (pid_ < 0) {
    throw Error(ErrorKind::memory,
                fmt::format("cannot start a process: {} (ulimit -u, ulimit -v)", std::strerror(errno)));
  }
}

std::optional<int> Child::ended() {
  int status = 0;
  if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return code_;
}

void Child::signal(int number) {
  if (!ended()) ::kill(pid_, number);
}

}  // namespace scnn
