#include "scnn/core/version.h"

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"

namespace scnn::cli {

void add_version(CLI::App& program, Context& context) {
  CLI::App* command = program.add_subcommand("version", "print the versions of the program and its libraries");
  command->callback([&context] {
    context.action = [&context] {
      if (context.json) {
        const nlohmann::ordered_json json = {
            {"version", program_version()}, {"build", build_description()}, {"libraries", library_versions()}};
        std::cout << json.dump(2) << '\n';
        return 0;
      }
      std::cout << "scnn " << program_version() << " (" << build_description() << ")\n";
      for (const auto& [name, version] : library_versions()) std::cout << fmt::format("  {:<14} {}\n", name, version);
      return 0;
    };
  });
}

}  // namespace scnn::cli
