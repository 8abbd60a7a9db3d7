#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "run/initial_weights.h"
#include "scnn/data/catalogue.h"
#include "settings/check.h"
#include "sweep/sweep.h"

namespace scnn::cli {
namespace {

/// Everything about a file that needs neither its data nor training.
void check(const std::string& file) {
  const Experiment experiment = load_experiment(file);
  check_experiment(experiment);
  check_initial_weights(experiment);
  if (has_sweep(file)) (void)plan_sweep(file);
  if (const std::string why = why_no_data(experiment.data); !why.empty()) {
    std::cerr << fmt::format("note: {}: its data are not on this machine: {}\n", file, why);
  }
}

int validate(const Context& context, const std::vector<std::string>& files) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  int code = 0;
  for (const std::string& file : files) {
    try {
      check(file);
      list.push_back({{"file", file}, {"valid", true}});
      if (!context.json) std::cout << file << ": valid\n";
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::bug) throw;
      if (code == 0) code = error.exit_code();
      list.push_back({{"file", file}, {"valid", false}, {"error", error.what()}});
      std::cerr << error.what() << '\n';
    }
  }
  if (context.json) std::cout << nlohmann::ordered_json{{"valid", code == 0}, {"files", list}}.dump(2) << '\n';
  return code;
}

}  // namespace

void add_validate(CLI::App& program, Context& context) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* command = program.add_subcommand("validate", "check experiment files: keys, values, shapes");
  command->add_option("FILES", *files, "experiment files")->required()->option_text(" ")->type_name("YAML");
  command->callback([&context, files] { context.action = [&context, files] { return validate(context, *files); }; });
}

}  // namespace scnn::cli
