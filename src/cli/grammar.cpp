#include "cli/grammar.h"

#include <numeric>

namespace scnn::cli {

std::vector<std::string> Argument::words() const {
  if (value.find('|') == std::string::npos) return {};
  return CLI::detail::split(value, '|');
}

Command command_of(const CLI::App& app) {
  Command command{app.get_name(), app.get_description(), {}, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    Argument argument;
    const bool positional = option->get_positional();
    if (positional) {
      argument.names = {option->get_name(true, false)};
    } else {
      for (const std::string& name : option->get_snames()) argument.names.push_back("-" + name);
      for (const std::string& name : option->get_lnames()) argument.names.push_back("--" + name);
    }
    if (positional || option->get_items_expected_max() > 0) argument.value = option->get_type_name();
    argument.doc = option->get_description();
    argument.required = option->get_required();
    argument.many = option->get_items_expected_max() > 1;
    (positional ? command.positionals : command.options).push_back(std::move(argument));
  }
  for (const CLI::App* inner : app.get_subcommands([](const CLI::App*) { return true; })) {
    command.commands.push_back(command_of(*inner));
  }
  return command;
}

CLI::Option* one_of(CLI::Option* option, const std::vector<std::string>& words) {
  const std::string shown =
      std::accumulate(words.begin() + 1, words.end(), words.front(),
                      [](const std::string& all, const std::string& one) { return all + "|" + one; });
  return option->check(CLI::IsMember(words).description(""))->type_name(shown);
}

void add_experiment(CLI::App& command, std::string& file, std::vector<std::string>& overrides) {
  command.add_option("FILE", file, "the experiment, a YAML file")->required()->option_text(" ")->type_name("YAML");
  command.add_option("SETTINGS", overrides, "settings to replace, key=value (scnn explain KEY)")
      ->option_text(" ")
      ->type_name("SETTING");
}

void add_model(CLI::App& command, const std::string& name, std::string& model) {
  command.add_option(name, model, "run folder, checkpoint (.safetensors) or packed model (.scnn)")
      ->required()
      ->option_text(" ");
}

void add_device(CLI::App& command, std::string& device) {
  one_of(command.add_option("--device", device, "where to compute"), {"auto", "cpu", "cuda"});
}

const std::vector<ExitCode>& exit_codes() {
  static const std::vector<ExitCode> codes = {{0, "done"},
                                              {1, "a bug of the program"},
                                              {2, "usage: flags, or a path where there is nothing"},
                                              {3, "experiment invalid"},
                                              {4, "data missing or damaged"},
                                              {5, "device or library unusable, or a profiling tool missing"},
                                              {6, "training failed: not a number, or no live path left"},
                                              {7, "checkpoint or model file damaged"},
                                              {8, "a check (--expect, --verify) not met"},
                                              {9, "sweep with failed runs"},
                                              {10, "out of memory"},
                                              {11, "run folder not writable, or disk full"},
                                              {75, "stopped on purpose, resumable"},
                                              {130, "stopped by Ctrl-C, resumable"}};
  return codes;
}

std::string exit_codes_page() {
  std::string out =
      "# Exit codes\n\n`scnn explain exit-codes` writes this page.  `scnn --help` and the manual page list the same "
      "codes.\n\n"
      "| code | meaning |\n|---|---|\n";
  for (const ExitCode& code : exit_codes()) out += "| " + std::to_string(code.code) + " | " + code.meaning + " |\n";
  return out;
}

}  // namespace scnn::cli
