#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "settings/settings.h"

namespace scnn::cli {
namespace {

int list(const Context& context, const std::string& only) {
  const std::vector<std::string> kinds = only.empty() ? component_kinds() : std::vector<std::string>{only};
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  std::string text;
  for (const std::string& kind : kinds) {
    json[kind] = nlohmann::ordered_json::array();
    text += (text.empty() ? "" : "\n") + kind + "\n";
    for (const Component& component : list_components(kind)) {
      nlohmann::ordered_json settings = nlohmann::ordered_json::array();
      for (const Setting& setting : component.settings) {
        settings.push_back({{"key", setting.key},
                            {"type", setting.type},
                            {"default", setting.default_value},
                            {"range", setting.range},
                            {"doc", setting.doc}});
      }
      json[kind].push_back({{"name", component.name}, {"doc", component.doc}, {"settings", settings}});
      text += fmt::format("  {:<18} {}\n", component.name, component.doc);
    }
  }
  if (context.json) {
    std::cout << json.dump(2) << '\n';
  } else {
    std::cout << text << "\nscnn explain NAME tells more about each.\n";
  }
  return 0;
}

}  // namespace

void add_list(CLI::App& program, Context& context) {
  auto kind = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand("list", "list layers, optimizers, schedules, data sets and methods");
  command->add_option("KIND", *kind, "only these: " + fmt::format("{}", fmt::join(component_kinds(), ", ")))
      ->option_text(" ")
      ->type_name(fmt::format("{}", fmt::join(component_kinds(), "|")));
  command->callback([&context, kind] { context.action = [&context, kind] { return list(context, *kind); }; });
}

}  // namespace scnn::cli
