#include "measure/profile.h"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/file.h"
#include "measure/nsight_tool.h"
#include "record/run_folder.h"
#include "run/stopping.h"
#include "settings/check.h"

namespace scnn::cli {
namespace {

namespace fs = std::filesystem;

struct ProfileArguments {
  std::string file, out, device, tool;
  std::vector<std::string> overrides;
  std::int64_t steps = 0;  // 0: by the tool
  std::int64_t warmup = 10;
  bool print = false;
};

/// The profile's folder, which goes again unless the profile is complete.
class NewFolder {
 public:
  NewFolder(const Experiment& experiment, const fs::path& out)
      : by_default_(out.empty()),
        existed_(!out.empty() && fs::exists(out)),
        path_(make_output_folder(experiment, out, "profiles")) {}
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    if (complete_ || existed_) return;
    // Each only where it is empty.
    fs::remove(path_, ignored);
    if (by_default_ && fs::remove(path_.parent_path(), ignored)) fs::remove(path_.parent_path().parent_path(), ignored);
  }
  void complete() {
    complete_ = true;
    if (by_default_) point_latest_at(path_);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  bool by_default_ = false, existed_ = false, complete_ = false;
  fs::path path_;
};

int builtin(const Context& context, const ProfileArguments& options, const Experiment& experiment,
            ProfileOptions what) {
  RunComponents parts = prepare(experiment);
  NewFolder folder(experiment, options.out);
  what.folder = folder.path();
  if (!context.quiet) std::cerr << fmt::format("{} steps to warm up, {} to measure\n", what.warmup, what.steps);
  const Profile profile = profile_experiment(experiment, parts, what);
  const std::string json = profile_json(profile, folder.path().string());
  write_file(folder.path() / "profile.json", json);
  write_file(folder.path() / "trace.json", trace_json(profile.name, profile.times));
  folder.complete();
  if (context.json) {
    std::cout << json;
  } else {
    std::cout << profile_table(profile)
              << fmt::format("\nnumbers {0}/profile.json\ntrace   {0}/trace.json (open it in ui.perfetto.dev)\n",
                             folder.path().string());
  }
  return 0;
}

/// This command for the tool to run: the same steps, with their ranges told to the tool.
std::vector<std::string> inner_command(const ProfileArguments& options, const ProfileOptions& what) {
  std::vector<std::string> words = {fs::read_symlink("/proc/self/exe").string(), "profile", options.file};
  words.insert(words.end(), options.overrides.begin(), options.overrides.end());
  for (const std::string& word : {std::string("--tool"), std::string("nvtx"), std::string("--warmup"),
                                  std::to_string(what.warmup), std::string("--steps"), std::to_string(what.steps)}) {
    words.push_back(word);
  }
  if (!options.device.empty()) words.insert(words.end(), {"--device", options.device});
  return words;
}

int nsight(const Context& context, NsightTool tool, const ProfileArguments& options, const Experiment& experiment,
           const ProfileOptions& what) {
  const std::vector<std::string> inner = inner_command(options, what);
  if (options.print) {
    const fs::path folder = options.out.empty() ? default_output_folder(experiment, "profiles") : fs::path(options.out);
    const std::vector<std::string> command = nsight_command(tool, folder, inner);
    if (context.json) {
      std::cout << nlohmann::ordered_json{{"profile", folder.string()}, {"tool", to_string(tool)}, {"command", command}}
                       .dump(2)
                << '\n';
    } else {
      const std::vector<std::string> make_folder = {"mkdir", "-p", folder.string()};
      std::cout << shell_words(make_folder) << '\n' << shell_words(command) << '\n';
    }
    return 0;
  }
  require_installed(tool);
  check_experiment(experiment);
  if (device_for(experiment.device).type != DeviceType::cuda) {
    throw Error(ErrorKind::device, fmt::format("{} measures GPUs and this experiment runs on the CPU: measure with "
                                               "--tool builtin, or set --device cuda",
                                               to_string(tool)));
  }
  NewFolder folder(experiment, options.out);
  const int code = run_tool(nsight_command(tool, folder.path(), inner), context.json, what.should_stop);
  const std::string report = nsight_report(tool, folder.path()).string();
  // The tools pass on the exit code of what they ran, whose message stands on stderr.
  if ((code > 1 && code <= static_cast<int>(ErrorKind::run_folder)) || code == static_cast<int>(ErrorKind::stopped) ||
      code == static_cast<int>(ErrorKind::interrupted)) {
    return code;
  }
  if (code != 0 || !fs::exists(report)) {
    throw Error(ErrorKind::device, fmt::format("{} ended with exit code {} and no {}: its output above says why",
                                               to_string(tool), code, report));
  }
  folder.complete();
  if (context.json) {
    std::cout << nlohmann::ordered_json{{"profile", folder.path().string()},
                                        {"tool", to_string(tool)},
                                        {"report", report}}
                     .dump(2)
              << '\n';
  } else {
    std::cout << fmt::format("report  {} (open it with {}-ui)\n", report, to_string(tool));
  }
  return 0;
}

int profile(const Context& context, const ProfileArguments& options) {
  std::string tool = options.tool;
  if (options.print && (tool == "builtin" || tool == "nvtx")) {
    throw Error(ErrorKind::usage, "--print shows the command of a tool: use it with --tool nsys or --tool ncu");
  }
  const Experiment experiment = load_with(options.file, options.overrides, options.device);
  if (tool.empty()) {
    const bool on_gpu =
        options.print || (is_installed(NsightTool::nsys) && device_for(experiment.device).type == DeviceType::cuda);
    tool = on_gpu ? "nsys" : "builtin";
  }
  ProfileOptions what;
  what.warmup = options.warmup;
  // Nsight Compute runs every kernel dozens of times: one step of them is a lot.
  what.steps = options.steps > 0 ? options.steps : tool == "ncu" ? 1 : what.steps;
  what.should_stop = stop_on_signal_or_after(0);
  if (!options.print) watch_signals();
  if (tool == "nsys") return nsight(context, NsightTool::nsys, options, experiment, what);
  if (tool == "ncu") return nsight(context, NsightTool::ncu, options, experiment, what);
  if (tool == "builtin") return builtin(context, options, experiment, what);
  RunComponents parts = prepare(experiment);
  train_under_nsight(experiment, parts, what);
  if (context.json) {
    const nlohmann::ordered_json json = {{"tool", tool}, {"warmup", what.warmup}, {"steps", what.steps}};
    std::cout << json.dump(2) << '\n';
  }
  return 0;
}

}  // namespace

void add_profile(CLI::App& program, Context& context) {
  auto options = std::make_shared<ProfileArguments>();
  CLI::App* command = program.add_subcommand("profile", "measure where the time of training steps goes, by layer");
  add_experiment(*command, options->file, options->overrides);
  one_of(command->add_option("--tool", options->tool,
                             "nsys or ncu (NVIDIA Nsight), builtin (a timer), or nvtx (named ranges for a tool started "
                             "by hand); default: nsys where the device is CUDA and it is installed, else builtin"),
         {"nsys", "ncu", "builtin", "nvtx"});
  command->add_flag("--print", options->print, "print the exact command of nsys or ncu, run nothing");
  command->add_option("--steps", options->steps, "steps to measure; default 20, with ncu 1")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100000}).description(""));
  command->add_option("--warmup", options->warmup, "steps before them; default 10")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1000000000}).description(""));
  command->add_option("--out", options->out, "folder of the profile, missing or empty; default profiles/NAME/TIME-HASH")
      ->type_name("DIR");
  add_device(*command, options->device);
  command->callback(
      [&context, options] { context.action = [&context, options] { return profile(context, *options); }; });
}

}  // namespace scnn::cli
