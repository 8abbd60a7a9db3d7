#include "core/python.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "core/process.h"

namespace scnn {

std::string python_with(const std::string& modules) {
  std::vector<std::string> candidates;
  const char* wanted = std::getenv("SCNN_PYTHON");
  if (wanted != nullptr && *wanted != '\0') {
    candidates = {wanted};
  } else {
    std::error_code ignored;
    std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    for (; folder.has_relative_path(); folder = folder.parent_path()) {
      const std::filesystem::path python = folder / ".venv" / "bin" / "python";
      if (std::filesystem::exists(python, ignored)) candidates.push_back(python.string());
    }
    candidates.insert(candidates.end(), {"python3", "/usr/bin/python3"});
  }
  for (const std::string& python : candidates) {
    const ProcessResult result = run_program({python, "-c", "import " + modules});
    if (result.started && result.status == 0) return python;
  }
  return "";
}

}  // namespace scnn
