#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "settings/settings.h"

namespace scnn::cli {

void add_explain(CLI::App& program, Context& context) {
  auto key = std::make_shared<std::string>();
  auto schema = std::make_shared<bool>(false);
  CLI::App* command = program.add_subcommand("explain", "meaning, default and range of a setting or component");
  command->add_option("KEY", *key, "compression.gamma, train.optimizer, conv2d, ...")
      ->option_text(" ")
      ->type_name("KEY");
  command->add_flag("--schema", *schema,
                    "the JSON Schema of experiment files, for editors that complete and check YAML");
  command->callback([&context, key, schema] {
    context.action = [&context, key, schema] {
      if (*schema != key->empty()) throw Error(ErrorKind::usage, "explain needs a KEY, or --schema alone");
      if (*schema) {
        std::cout << settings_schema();
        return 0;
      }
      const std::string text = explain(*key);
      if (context.json) {
        std::cout << nlohmann::ordered_json{{"key", *key}, {"text", text}}.dump(2) << '\n';
      } else {
        std::cout << text << (text.empty() || text.back() != '\n' ? "\n" : "");
      }
      return 0;
    };
  });
}

}  // namespace scnn::cli
