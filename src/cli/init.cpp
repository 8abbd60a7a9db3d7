#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/file.h"

namespace scnn::cli {
namespace {

constexpr std::string_view starter =
    R"(# An experiment of scnn.  Check it:  scnn validate FILE      Train it:  scnn run FILE
# What a key means, its default and its range:  scnn explain compression.gamma
# One value for one run:  scnn run FILE compression.gamma=0.2
version: 1
seed: 0
data:
  type: fashion_mnist   # scnn list data; {type: synthetic, classes: 10, height: 28, width: 28} needs no files
  validation: {from: train, fraction: 0.1}   # to choose by; the test split is looked at once, at the end
model:
  input: [1, 28, 28]    # channels, rows, columns
  layers:               # scnn list layers
    - {name: conv1, type: conv2d, out: 32, kernel: 3, padding: same, bias: false}
    - {type: batch_norm}
    - {type: relu}
    - {type: max_pool2d, kernel: 2}
    - {name: conv2, type: conv2d, out: 64, kernel: 3, padding: same, bias: false}
    - {type: batch_norm}
    - {type: relu}
    - {type: global_avg_pool}
    - {name: fc, type: linear, out: 10}   # one output for each class
compression:
  type: self_compress   # bits of every channel are learned; `none` trains the same network in float
  gamma: 0.05           # more makes it smaller, and in the end less accurate
  gamma_ramp: {epochs: 3}
  init: {bits: 4}
  freeze: {fraction: 0.15}   # its end, for weights alone
train:
  epochs: 10
  batch_size: 256
  optimizer:
    type: adam
    lr: 0.002
    groups:             # bits and exponents move faster than weights
      - {match: ["*.bits", "*.exponent"], lr: 0.1, eps: 0.001, schedule: {type: anneal_end, fraction: 0.2}}
  schedule: {type: cosine}
)";

int init(const Context& context, const std::string& file) {
  std::error_code code;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, code))) {
    throw Error(ErrorKind::usage, fmt::format("{} exists and stays as it is; name another file", file));
  }
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, code)) {
    throw Error(ErrorKind::usage, fmt::format("there is no folder {}; make it first", folder.string()));
  }
  write_file(file, starter);
  if (context.json) {
    std::cout << nlohmann::ordered_json{{"file", file}}.dump(2) << '\n';
  } else {
    std::cout << fmt::format("{0} is a starter experiment; next: scnn run {1}\n", file, shell_words({file}));
  }
  return 0;
}

}  // namespace

void add_init(CLI::App& program, Context& context) {
  auto file = std::make_shared<std::string>("experiment.yaml");
  CLI::App* command = program.add_subcommand("init", "write a short, commented experiment to start from");
  command->add_option("FILE", *file, "the new file; default experiment.yaml")->option_text(" ");
  command->callback([&context, file] { context.action = [&context, file] { return init(context, *file); }; });
}

}  // namespace scnn::cli
