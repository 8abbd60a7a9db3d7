#include "scnn/experiment/nsight_tool.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

extern char** environ;

namespace scnn {

const char* to_string(NsightTool tool) { return tool == NsightTool::nsys ? "nsys" : "ncu"; }

std::vector<std::string> nsight_command(NsightTool tool, const std::filesystem::path& folder,
                                        const std::vector<std::string>& program) {
  std::vector<std::string> command;
  if (tool == NsightTool::nsys) {
    // "stop" lets the program end by itself; the default would kill it at the end of the range.
    command = {"nsys",
               "profile",
               "--trace=cuda,nvtx,cublas,cudnn",
               "--capture-range=cudaProfilerApi",
               "--capture-range-end=stop",
               "--output=" + (folder / "profile").string()};
  } else {
    command = {"ncu", "--profile-from-start", "off", "--nvtx", "--export", (folder / "profile").string()};
  }
  command.insert(command.end(), program.begin(), program.end());
  return command;
}

std::filesystem::path nsight_report(NsightTool tool, const std::filesystem::path& folder) {
  return folder / (tool == NsightTool::nsys ? "profile.nsys-rep" : "profile.ncu-rep");
}

bool is_installed(NsightTool tool) {
  const char* path = std::getenv("PATH");
  std::istringstream places(path != nullptr ? path : "");
  for (std::string place; std::getline(places, place, ':');) {
    const std::string file = (place.empty() ? "." : place) + "/" + to_string(tool);
    std::error_code code;
    if (std::filesystem::is_regular_file(file, code) && ::access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

void require_installed(NsightTool tool) {
  if (is_installed(tool)) return;
  const char* packages = tool == NsightTool::nsys ? "nsight-systems, or cuda-nsight-systems of the CUDA toolkit"
                                                  : "nsight-compute, or cuda-nsight-compute of the CUDA toolkit";
  throw Error(ErrorKind::device,
              fmt::format("{} is not on the PATH: install NVIDIA's package {}, or measure with --tool builtin",
                          to_string(tool), packages));
}

int run_tool(const std::vector<std::string>& command, bool on_stderr,
             const std::function<std::optional<StopRequest>()>& should_stop) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (on_stderr) posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  // This process may wait for signals on a thread (watch_signals); the tool gets them as usual.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw Error(ErrorKind::device, fmt::format("cannot run {}: {}", command[0], std::strerror(failure)));
  }
  std::optional<StopRequest> request;
  int status = 0;
  for (pid_t ended = 0; (ended = ::waitpid(child, &status, WNOHANG)) != child;) {
    if (ended < 0 && errno != EINTR) throw Error(ErrorKind::bug, fmt::format("waitpid: {}", std::strerror(errno)));
    if (should_stop && !request) {
      request = should_stop();
      // A Ctrl-C reaches the tool from the terminal; a second one would end it without a report.
      if (request && request->kind != ErrorKind::interrupted) ::kill(child, SIGTERM);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (request) throw Error(request->kind, request->why);
  if (WIFSIGNALED(status)) {
    throw Error(ErrorKind::device, fmt::format("{} was ended by signal {}", command[0], WTERMSIG(status)));
  }
  return WEXITSTATUS(status);
}

}  // namespace scnn
