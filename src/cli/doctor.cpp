#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands.h"
#include "core/cores.h"
#include "measure/nsight_tool.h"
#include "measure/onnx_runtime.h"
#include "report/assets.h"
#include "scnn/backend/backend.h"
#include "scnn/core/version.h"
#include "scnn/data/catalogue.h"

namespace scnn::cli {
namespace {

using Json = nlohmann::ordered_json;

/// One finding: ok, or with a reason and a remedy.
struct Check {
  std::string what, found;
  bool ok = true;
};

/// The vector extensions that matter for speed, as far as the processor has them.
std::string features() {
  std::string list;
#if defined(__x86_64__)
  const auto add = [&](const char* name, bool present) { list += present ? std::string(" ") + name : std::string(); };
  add("sse4.2", __builtin_cpu_supports("sse4.2") != 0);
  add("avx2", __builtin_cpu_supports("avx2") != 0);
  add("fma", __builtin_cpu_supports("fma") != 0);
  add("avx512f", __builtin_cpu_supports("avx512f") != 0);
  add("avx512bw", __builtin_cpu_supports("avx512bw") != 0);
  add("avx512dq", __builtin_cpu_supports("avx512dq") != 0);
  add("avx512vl", __builtin_cpu_supports("avx512vl") != 0);
  add("avx512vnni", __builtin_cpu_supports("avx512vnni") != 0);
#endif
  return list.empty() ? "none known" : list.substr(1);
}

Check run_folder() {
  std::filesystem::path place = std::filesystem::current_path();
  if (std::filesystem::is_directory("runs")) place /= "runs";
  const bool writable = ::access(place.c_str(), W_OK | X_OK) == 0;
  std::error_code code;
  const auto space = std::filesystem::space(place, code);
  const std::string free = code ? "unknown space" : bytes_text(static_cast<double>(space.available)) + " free";
  return {"run folders",
          writable ? fmt::format("{} is writable, {}", place.string(), free)
                   : fmt::format("{} is not writable; use --out DIR or another folder", place.string()),
          writable};
}

Check onnx_runtime() {
  try {
    return {"ONNX Runtime", "by " + onnx_python()};
  } catch (const Error& error) {
    return {"ONNX Runtime", error.what(), false};
  }
}

std::vector<Check> examine(const Context& context) {
  std::vector<Check> checks;
  checks.push_back({"processor", processor_name()});
  checks.push_back({"vector units", features()});
  checks.push_back({"cores", fmt::format("{} usable of {}", usable_cores(), std::thread::hardware_concurrency())});
  try {
    checks.push_back({"CPU backend", backend_for(Device{})->description()});
  } catch (const Error& error) {
    checks.push_back({"CPU backend", error.what(), false});
  }
  const std::string no_cuda = cuda_unusable_because();
  checks.push_back({"CUDA", no_cuda.empty() ? "usable" : no_cuda, no_cuda.empty()});
  const CudaLibraries nvidia = cuda_libraries();
  checks.push_back(
      {"cuDNN, cuBLAS", nvidia.found.empty() ? nvidia.unusable_because : nvidia.found, !nvidia.found.empty()});
  std::string tools;
  for (const NsightTool tool : {NsightTool::nsys, NsightTool::ncu}) {
    if (is_installed(tool)) tools.append(tools.empty() ? "" : ", ").append(to_string(tool));
  }
  checks.push_back(
      {"profilers", tools.empty() ? "the built-in timer; neither nsys nor ncu is on the PATH" : tools, !tools.empty()});
  std::string libraries;
  for (const auto& [name, version] : library_versions())
    libraries.append(libraries.empty() ? "" : ", ").append(name).append(" ").append(version);
  checks.push_back({"libraries", libraries});
  checks.push_back({"reports", chart_js().empty() ? "no charts: install libjs-chart.js and build again" : "with charts",
                    !chart_js().empty()});
  const ImageDecoders images = image_decoders();
  checks.push_back({"image files",
                    images.missing.empty() ? images.found
                    : images.found.empty() ? images.missing
                                           : images.found + "; " + images.missing,
                    images.missing.empty()});
  checks.push_back(onnx_runtime());
  for (const DataInfo& info : data_catalogue()) {
    const auto place = find_data(info, "auto");
    checks.push_back(
        {"data " + info.type, place ? place->string() : "not here; " + data_remedy(info), place.has_value()});
  }
  checks.push_back(run_folder());
  const ConsoleOptions console = context.console();
  checks.push_back({"terminal", console.terminal ? fmt::format("{} columns, colours {}", console.columns(),
                                                               console.colour ? "on" : "off")
                                                 : "none: progress as plain lines"});
  return checks;
}

int doctor(const Context& context) {
  Json list = Json::array();
  std::size_t width = 0;
  const std::vector<Check> checks = examine(context);
  for (const Check& check : checks) width = std::max(width, check.what.size());
  for (const Check& check : checks) {
    list.push_back({{"what", check.what}, {"ok", check.ok}, {"found", check.found}});
    if (!context.json)
      std::cout << fmt::format("{} {:<{}}  {}\n", check.ok ? "ok" : "--", check.what, width, check.found);
  }
  if (context.json) {
    std::cout << Json{{"version", program_version()}, {"build", build_description()}, {"checks", list}}.dump(2) << '\n';
  }
  return 0;
}

}  // namespace

void add_doctor(CLI::App& program, Context& context) {
  CLI::App* command = program.add_subcommand("doctor", "check devices, libraries and tools; explain what is missing");
  command->callback([&context] { context.action = [&context] { return doctor(context); }; });
}

}  // namespace scnn::cli
