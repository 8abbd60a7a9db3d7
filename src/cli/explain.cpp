#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/grammar.h"
#include "settings/settings.h"

namespace scnn::cli {

void add_explain(CLI::App& program, Context& context) {
  auto key = std::make_shared<std::string>();
  auto schema = std::make_shared<bool>(false);
  auto markdown = std::make_shared<bool>(false);
  CLI::App* command =
      program.add_subcommand("explain", "print the meaning, default and range of a setting or component");
  command->add_option("KEY", *key, "compression.gamma, train.optimizer, conv2d, exit-codes, ...")
      ->option_text(" ")
      ->type_name("KEY");
  command->add_flag("--schema", *schema,
                    "print the JSON Schema of experiment files, for editors that complete and check YAML");
  command->add_flag("--markdown", *markdown, "print every setting as the page docs/settings.md");
  command->callback([&context, key, schema, markdown] {
    context.action = [&context, key, schema, markdown] {
      if ((*schema ? 1 : 0) + (*markdown ? 1 : 0) + (key->empty() ? 0 : 1) != 1) {
        throw Error(ErrorKind::usage, "explain needs one of: a KEY, --schema, --markdown");
      }
      if (*markdown) {
        std::cout << settings_markdown();
        return 0;
      }
      if (*schema) {
        std::cout << settings_schema();
        return 0;
      }
      const std::string text = *key == "exit-codes" ? exit_codes_page() : explain(*key);
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
