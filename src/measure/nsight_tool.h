#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scnn/run/run.h"

namespace scnn {

/// NVIDIA's tools: Nsight Systems (when does what run) and Nsight Compute (why is a kernel slow).
enum class NsightTool { nsys, ncu };

[[nodiscard]] const char* to_string(NsightTool tool);

/// The tool around `program`, an argument an item.  It records what lies between cudaProfilerStart and
/// cudaProfilerStop, and writes the report `nsight_report(tool, folder)`.
[[nodiscard]] std::vector<std::string> nsight_command(NsightTool tool, const std::filesystem::path& folder,
                                                      const std::vector<std::string>& program);
[[nodiscard]] std::filesystem::path nsight_report(NsightTool tool, const std::filesystem::path& folder);

/// Whether the tool is on the PATH.
[[nodiscard]] bool is_installed(NsightTool tool);
/// Error(device) that names the packages and what works without, unless the tool is on the PATH.
void require_installed(NsightTool tool);

/// Runs a program found on the PATH without a shell, its output on stderr where `on_stderr`, and returns its exit code.
/// A stop on request is passed on and then thrown as Error of its kind.  Error(device) where the program cannot be run
/// or a signal ended it.
int run_tool(const std::vector<std::string>& command, bool on_stderr,
             const std::function<std::optional<StopRequest>()>& should_stop);

}  // namespace scnn
