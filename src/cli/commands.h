#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/grammar.h"
#include "scnn/core/error.h"
#include "scnn/record/console.h"
#include "scnn/record/result.h"
#include "scnn/settings/experiment.h"

namespace scnn::cli {

/// What every command gets: the flags that stand before or behind it, and the command as typed.
struct Context {
  bool quiet = false, verbose = false, json = false, no_color = false;
  Progress progress = Progress::automatic;
  std::string command;
  std::function<int()> action;  ///< set by the command that was named

  [[nodiscard]] int verbosity() const { return quiet ? -1 : verbose ? 1 : 0; }
  /// Where text for people goes: stdout, or stderr where stdout is for one JSON object.
  [[nodiscard]] std::ostream& screen() const;
  /// Whether `descriptor` is a terminal that shows colours, and colours are wanted.
  [[nodiscard]] bool colour(int descriptor) const;
  /// How the console of a training should look.
  [[nodiscard]] ConsoleOptions console() const;
};

/// What a finished run came to: the JSON object, or a few lines with the places of its files.
void print_result(const Context& context, const RunResult& result);

/// The experiment with its `key=value` overrides and --device.  Error(usage) where an override is none.
[[nodiscard]] Experiment load_with(const std::string& file, std::vector<std::string> overrides,
                                   const std::string& device);

/// Error(usage) where one is not key=value.
void check_overrides(const std::vector<std::string>& overrides);

/// A command as a shell would take it.
[[nodiscard]] std::string shell_words(const std::vector<std::string>& words);

// Each adds its command to the program; one file each.
void add_run(CLI::App& program, Context& context);
void add_resume(CLI::App& program, Context& context);
void add_eval(CLI::App& program, Context& context);
void add_bench(CLI::App& program, Context& context);
void add_export(CLI::App& program, Context& context);
void add_predict(CLI::App& program, Context& context);
void add_inspect(CLI::App& program, Context& context);
void add_validate(CLI::App& program, Context& context);
void add_list(CLI::App& program, Context& context);
void add_explain(CLI::App& program, Context& context);
void add_doctor(CLI::App& program, Context& context);
void add_data(CLI::App& program, Context& context);
void add_profile(CLI::App& program, Context& context);
void add_report(CLI::App& program, Context& context);
void add_sweep(CLI::App& program, Context& context);
void add_compare(CLI::App& program, Context& context);
void add_watch(CLI::App& program, Context& context);
void add_init(CLI::App& program, Context& context);
void add_completion(CLI::App& program, Context& context);
void add_man(CLI::App& program, Context& context);
void add_version(CLI::App& program, Context& context);

}  // namespace scnn::cli
