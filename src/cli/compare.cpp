#include "run/compare.h"

#include <iostream>

#include "cli/commands.h"

namespace scnn::cli {

void add_compare(CLI::App& program, Context& context) {
  struct Options {
    std::string a, b;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "compare", "list the settings that differ between two runs or checkpoints, then their metrics");
  command->add_option("A", options->a, "run folder or checkpoint")->required()->option_text(" ");
  command->add_option("B", options->b, "another one")->required()->option_text(" ");
  command->callback([&context, options] {
    context.action = [&context, options] {
      const Comparison comparison = compare(load_comparable(options->a), load_comparable(options->b));
      std::cout << (context.json ? comparison_json(comparison) : comparison_text(comparison));
      return 0;
    };
  });
}

}  // namespace scnn::cli
