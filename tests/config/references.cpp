#include "catch.h"
#include "experiment_files.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("references take values of the merged document, overrides included", "[experiment]") {
  const std::string text = valid +
                           "seed: 3\n"
                           "name: run-${seed}-${train.epochs}\n"
                           "train: {epochs: \"${seed}\", batch_size: \"${ train.epochs * 4 }\"}\n";
  const Experiment e = load(text);
  CHECK(e.name == "run-3-3");
  CHECK(e.train.epochs == 3);
  CHECK(e.train.batch_size == 12);
  CHECK(load(text, {"seed=5"}).train.batch_size == 20);
}

TEST_CASE("a whole reference copies maps and lists", "[experiment]") {
  const Experiment e = load(valid +
                            "train:\n"
                            "  schedule: {type: step, factor: 0.5}\n"
                            "  optimizer: {type: adam, groups: [{match: [a], schedule: \"${train.schedule}\"}]}\n");
  CHECK(e.train.optimizer.groups.at(0).schedule->factor == 0.5);
}

TEST_CASE("a value means the same wherever it is referred to", "[experiment]") {
  // A block's parameter `seed` hides the file's in the block, not in what the block refers to.
  const Experiment e = load(valid_data +
                            "seed: 3\n"
                            "train: {epochs: \"${seed}\"}\n"
                            "model:\n"
                            "  input: [1, 28, 28]\n"
                            "  blocks:\n"
                            "    b:\n"
                            "      parameters: {seed: 5}\n"
                            "      layers:\n"
                            "        - {type: conv2d, out: \"${train.epochs}\", kernel: \"${seed}\"}\n"
                            "  layers: [{type: b}]\n");
  CHECK(std::get<Conv2dSpec>(e.model.at(1).options).out == 3);
  CHECK(std::get<Conv2dSpec>(e.model.at(1).options).kernel == Extent2{5, 5});
}

TEST_CASE("arithmetic in references", "[experiment]") {
  const auto value = [](const std::string& expression) {
    return load(valid + "seed: 7\ntrain: {batch_size: \"${" + expression + "}\"}\n").train.batch_size;
  };
  CHECK(value("seed + 2 * 3") == 13);
  CHECK(value("(seed + 2) * 3") == 27);
  CHECK(value("seed // 2") == 3);
  CHECK(value("-seed // 2 + 10") == 6);  // floor, as in Python
  CHECK(value("14 / seed") == 2);
  CHECK(value("seed - 2 - 1") == 4);
  CHECK(value("100 / 10 / 5") == 2);
  CHECK(value("-(-seed)") == 7);
  CHECK(load(valid + "seed: 7\ntrain: {optimizer: {type: adam, lr: \"${seed / 2}\"}}\n").train.optimizer.lr == 3.5);

  const auto broken = [](const std::string& expression) {
    return mistakes(valid + "seed: 7\nname: x\ntrain: {batch_size: \"${" + expression + "}\"}\n");
  };
  CHECK(contains(broken("seed / 2"), "'batch_size' must be a whole number, not '3.5'"));
  CHECK(contains(broken("seed / 0"), "division by zero"));
  CHECK(contains(broken("seed // 0"), "division by zero"));
  CHECK(contains(broken("seed +"), "a value is missing at the end"));
  CHECK(contains(broken("(seed"), "a ')' is missing"));
  CHECK(contains(broken("seed % 2"), "'%' is not understood here"));
  CHECK(contains(broken("name * 2"), "'name' is 'x', not a number"));
  CHECK(contains(broken("9223372036854775807 + 1"), "does not fit a 64-bit whole number"));
  CHECK(contains(broken("sed * 2"), "nothing is called 'sed'"));
  CHECK(contains(broken("sed * 2"), "did you mean 'seed'?"));
  CHECK(count(broken("sed * 2"), "error[") == 1);
  CHECK(contains(broken(std::string(1000, '(') + "1"), "too many parentheses"));
  CHECK(contains(broken(""), "a value is missing"));
}

TEST_CASE("circles of references are mistakes", "[experiment]") {
  const std::string text = mistakes(
      valid + "seed: \"${train.epochs}\"\ntrain: {epochs: \"${train.batch_size}\", batch_size: \"${train.epochs}\"}\n");
  INFO(text);
  CHECK(contains(text, "error[E108] references go round in a circle"));
  CHECK(contains(text, "train.epochs -> train.batch_size -> train.epochs"));
  CHECK(contains(mistakes(valid + "train: {epochs: \"${train}\"}\n"), "references go round in a circle"));
}

TEST_CASE("references cannot multiply a file without end", "[experiment]") {
  std::string text = valid + "name: aaaaaaaaaa\n";
  std::string lists = "train:\n  a: [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    lists += std::string("  ") + c + ": [";
    for (int i = 0; i < 10; ++i)
      lists += std::string(i == 0 ? "" : ", ") + "\"${train." + static_cast<char>(c - 1) + "}\"";
    lists += "]\n";
  }
  CHECK(contains(mistakes(text + lists), "references multiply the file beyond 200,000 values"));
  std::string strings = "train:\n  a: aaaaaaaaaaaaaaaaaaaa\n";
  for (char c = 'b'; c < 'k'; ++c) {
    strings += std::string("  ") + c + ": \"";
    for (int i = 0; i < 20; ++i) strings += std::string("${train.") + static_cast<char>(c - 1) + "}";
    strings += "\"\n";
  }
  CHECK(contains(mistakes(text + strings), "the text grows beyond 64 KiB"));
}

TEST_CASE("other mistakes of references", "[experiment]") {
  CHECK(contains(mistakes(valid + "name: \"${seed\"\n"), "'${' without '}'"));
  CHECK(contains(mistakes(valid + "name: \"a-${model}\"\n"), "'model' is a map, not text"));
  const std::string text = mistakes(valid + "train: {epochs: 3}\nname: \"${train.epoch}\"\n");
  INFO(text);
  CHECK(contains(text, "nothing is called 'train.epoch'"));
  CHECK(contains(text, "did you mean 'epochs'?"));
}
