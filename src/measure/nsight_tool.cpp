#include "measure/nsight_tool.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "core/process.h"

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
  pid_t child = 0;
  const Redirection to_stderr[] = {{STDERR_FILENO, STDOUT_FILENO}};
  const std::span<const Redirection> all = to_stderr;
  if (const int failure = start_program(command, all.first(on_stderr ? 1 : 0), child); failure != 0) {
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
