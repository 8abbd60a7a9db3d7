#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace scnn::cli {

/// An option, or a positional argument.
struct Argument {
  std::vector<std::string> names;  ///< "-o", "--output"; of a positional "FILE"
  /// What it takes: "a|b|c", or YAML, FILE, DIR, SETTING, KEY, ...; empty: nothing
  std::string value;
  std::string doc;
  bool required = false, many = false;

  /// The words of "a|b|c"; empty for anything else.
  [[nodiscard]] std::vector<std::string> words() const;
};

/// A command, or the program itself.
struct Command {
  std::string name, doc;
  std::vector<Argument> options, positionals;
  std::vector<Command> commands;
};

/// All that a command takes, read off its parser: what manual and completions are made of.
[[nodiscard]] Command command_of(const CLI::App& app);

/// Lets an option take these words alone; help, manual and completions show "a|b|c".
CLI::Option* one_of(CLI::Option* option, const std::vector<std::string>& words);

// What several commands take.
/// An experiment's file, and the settings to replace in it.
void add_experiment(CLI::App& command, std::string& file, std::vector<std::string>& overrides);
/// What is trained or exported already, as the positional argument `name`.
void add_model(CLI::App& command, const std::string& name, std::string& model);
/// --device.
void add_device(CLI::App& command, std::string& device);

struct ExitCode {
  int code;
  const char* meaning;
};
[[nodiscard]] const std::vector<ExitCode>& exit_codes();
/// The page docs/exit-codes.md.
[[nodiscard]] std::string exit_codes_page();

/// The texts that the commands of the same names print.
[[nodiscard]] std::string completion_script(const Command& program, const std::string& shell);
[[nodiscard]] std::string manual_page(const Command& program);

}  // namespace scnn::cli
