#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "scnn/experiment/settings.h"

namespace scnn::cli {

void add_explain(CLI::App& program, Context& context) {
  auto key = std::make_shared<std::string>();
  CLI::App* verb = program.add_subcommand("explain", "meaning, default and range of a setting or component");
  verb->add_option("KEY", *key, "compression.gamma, train.optimizer, conv2d, ...")->required()->option_text(" ");
  verb->callback([&context, key] {
    context.action = [&context, key] {
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
