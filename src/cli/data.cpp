#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "run/network_table.h"
#include "scnn/data/catalogue.h"

namespace scnn::cli {
namespace {

using Json = nlohmann::ordered_json;

struct DataArguments {
  std::string type, root = "auto", to;
};

/// A set named on the command line.
const DataInfo& named(const std::string& type) {
  try {
    return data_info(type);
  } catch (const Error& error) {
    throw Error(ErrorKind::usage, error.what());
  }
}

int list(const Context& context, const DataArguments& options) {
  Json sets = Json::array();
  std::vector<std::vector<std::string>> table = {{"data set", "where", "training", "test"}};
  for (const DataInfo& info : data_catalogue()) {
    const auto place = find_data(info, options.root);
    sets.push_back({{"type", info.type},
                    {"title", info.title},
                    {"description", info.description},
                    {"homepage", info.homepage},
                    {"folder", place ? Json(place->string()) : Json(nullptr)},
                    {"train_images", info.train_images},
                    {"test_images", info.test_images}});
    table.push_back({info.type, place ? place->string() : "not here; " + data_remedy(info), grouped(info.train_images),
                     grouped(info.test_images)});
  }
  if (context.json) {
    std::cout << Json{{"data", sets}}.dump(2) << '\n';
  } else {
    std::cout << text_table(table, 1) << "\nsynthetic needs no files.\n";
  }
  return 0;
}

int fetch(const Context& context, const DataArguments& options) {
  const char* variable = std::getenv("SCNN_DATA");
  const std::string to = !options.to.empty()                        ? options.to
                         : variable != nullptr && *variable != '\0' ? variable
                                                                    : "data";
  const auto folder = fetch_data(named(options.type), to, [&](const std::string& line) {
    if (!context.quiet) std::cerr << line << '\n';
  });
  if (context.json) {
    std::cout << Json{{"type", options.type}, {"folder", folder.string()}}.dump(2) << '\n';
  } else {
    std::cout << folder.string() << '\n';
  }
  return 0;
}

int verify(const Context& context, const DataArguments& options) {
  const DataVerdict verdict = verify_data(named(options.type), options.root);
  if (context.json) {
    std::cout << Json{{"type", options.type},
                      {"folder", verdict.folder.string()},
                      {"readable", verdict.readable},
                      {"official", verdict.official},
                      {"evidence", verdict.evidence}}
                     .dump(2)
              << '\n';
  } else {
    const char* what = !verdict.readable  ? "damaged"
                       : verdict.official ? "the published files"
                                          : "readable, origin unknown";
    std::cout << fmt::format("{} in {}: {} ({})\n", options.type, verdict.folder.string(), what, verdict.evidence);
  }
  return verdict.readable ? 0 : static_cast<int>(ErrorKind::data);
}

}  // namespace

void add_data(CLI::App& program, Context& context) {
  auto options = std::make_shared<DataArguments>();
  CLI::App* command = program.add_subcommand("data", "list, download or verify data sets");
  command->require_subcommand(1);
  command->fallthrough();
  const char* sets = "fashion_mnist|mnist|cifar10|cifar100";
  CLI::App* listing = command->add_subcommand("list", "list the data sets and where they were found");
  listing->add_option("--root", options->root, "look in this folder")->type_name("DIR");
  listing->callback([&context, options] { context.action = [&context, options] { return list(context, *options); }; });
  CLI::App* fetching = command->add_subcommand("fetch", "download a data set and check its checksums");
  fetching->add_option("NAME", options->type, "fashion_mnist, mnist, cifar10, cifar100")
      ->required()
      ->option_text(" ")
      ->type_name(sets);
  fetching->add_option("--to", options->to, "folder that gets the set; default $SCNN_DATA or data")->type_name("DIR");
  fetching->callback(
      [&context, options] { context.action = [&context, options] { return fetch(context, *options); }; });
  CLI::App* verifying = command->add_subcommand("verify", "read a data set and compare it with the published one");
  verifying->add_option("NAME", options->type, "fashion_mnist, mnist, cifar10, cifar100")
      ->required()
      ->option_text(" ")
      ->type_name(sets);
  verifying->add_option("--root", options->root, "look in this folder")->type_name("DIR");
  verifying->callback(
      [&context, options] { context.action = [&context, options] { return verify(context, *options); }; });
}

}  // namespace scnn::cli
