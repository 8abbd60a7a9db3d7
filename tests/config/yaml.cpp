// What the strict reader refuses of YAML itself.
#include "catch.h"
#include "experiment_files.h"
#include "scnn/core/random.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("the message of a misspelt key has code, place, line, caret, suggestion and known keys", "[experiment]") {
  const std::string text = mistakes(valid + "compression:\n  type: fixed_bits\n  bist: 4\n");
  CHECK(text ==
        "error[E103] unknown key 'bist'\n"
        "  exp.yaml:10:3  in compression\n"
        "    10 |   bist: 4\n"
        "       |   ^^^^ did you mean 'bits'?\n"
        "  known keys here: type, bits, integer_exponents_from, freeze, include, exclude");
}

TEST_CASE("duplicate keys are mistakes that name the first place", "[experiment]") {
  const std::string text = mistakes(valid + "seed: 1\nname: a\nseed: 2\n");
  INFO(text);
  CHECK(contains(text, "error[E102] duplicate key 'seed'\n  exp.yaml:10:1"));
  CHECK(contains(text, "^^^^ already given at"));
  CHECK(contains(text, "exp.yaml:8:1"));
  CHECK(count(text, "error[") == 1);
}

TEST_CASE("merge keys, anchors, aliases and tags are mistakes with a hint", "[experiment]") {
  const std::string text =
      mistakes(valid + "train: &base\n  epochs: 3\ncheckpoint:\n  <<: *base\n  keep_last: !!int 3\n");
  INFO(text);
  CHECK(contains(text, "error[E110] anchors (&name) are not supported\n  exp.yaml:8:8"));
  CHECK(contains(text, "error[E110] merge keys (<<) are not supported\n  exp.yaml:11:3"));
  CHECK(contains(text, "use 'extends: [base.yaml]'"));
  CHECK(contains(text, "error[E110] aliases (*name) are not supported\n  exp.yaml:11:7"));
  CHECK(contains(text, "error[E110] tags (tag:yaml.org,2002:int) are not supported\n  exp.yaml:12:14"));
  CHECK(count(text, "error[") == 4);
}

TEST_CASE("words that are booleans elsewhere are mistakes", "[experiment]") {
  for (const std::string word : {"yes", "no", "on", "off", "Yes", "OFF"}) {
    const std::string text = mistakes(valid + "compression: {type: self_compress, revive: " + word + "}\n");
    INFO(text);
    CHECK(contains(text, "error[E110] '" + word + "' is a boolean to some YAML readers"));
    CHECK(contains(text, "write true or false"));
    CHECK(count(text, "error[") == 1);
  }
  CHECK(load(valid + "name: \"yes\"\n").name == "yes");
  CHECK(load(valid + "compression: {type: self_compress, revive: true}\n").compression.revive);
  CHECK(contains(mistakes(valid + "compression: {type: self_compress, revive: True}\n"),
                 "'revive' must be true or false, not 'True'"));
}

TEST_CASE("leading zeros are mistakes", "[experiment]") {
  const std::string text = mistakes(valid + "seed: 010\n");
  INFO(text);
  CHECK(contains(text, "error[E110] '010' is octal to some YAML readers\n  exp.yaml:8:7"));
  CHECK(contains(text, "write 10, or put quotes"));
  CHECK(load(valid + "seed: 0\n").seed == 0);
  CHECK(load(valid + "train: {optimizer: {type: adam, lr: 0.5}}\n").train.optimizer.lr == 0.5);
}

TEST_CASE("broken YAML has a line and a column", "[experiment]") {
  CHECK(contains(mistakes("data: {type: fashion_mnist\nmodel: 3\n"), "error[E101] not valid YAML: "));
  CHECK(contains(mistakes("a: b: c\n"), "exp.yaml:1:5"));
  const std::string tab = mistakes(valid + "train:\n\tepochs: 3\n");
  INFO(tab);
  CHECK(contains(tab, "error[E101] a tab in the indentation\n  exp.yaml:9:1"));
  CHECK(contains(mistakes(valid + "---\nseed: 1\n"), "error[E101] a second document\n  exp.yaml:8:1"));
  CHECK(contains(mistakes("- a\n- b\n"), "error[E104] the file must be a map of keys, not a list"));
  CHECK(contains(mistakes(valid + "name: \xff\n"), "error[E101] a byte that is not UTF-8\n  exp.yaml:8:7"));
  // The line is cut to a window around the mistake, found by the fuzzer: there may be no character boundary in it.
  CHECK(contains(mistakes("a: 1\n" + std::string(112, '\x8c') + "%\x06\n"), "a control character\n  exp.yaml:2:114"));
  CHECK(contains(mistakes(valid + "name: a\x01\n"), "error[E101] a control character\n  exp.yaml:8:8"));
  CHECK(contains(mistakes("? [a, b]\n: 3\n"), "error[E101] a key must be a word"));
}

TEST_CASE("a reference without quotes in a flow map is explained", "[experiment]") {
  const std::string text = mistakes(valid + "train: {epochs: ${seed}}\n");
  INFO(text);
  CHECK(contains(text, "put quotes around \"${...}\""));
}

TEST_CASE("files that are too large or too deep are refused", "[experiment]") {
  CHECK(contains(mistakes(valid + "# " + std::string(1U << 20U, 'x') + "\n"), "error[E100] larger than 1 MiB"));
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += '[';
  for (int i = 0; i < 70; ++i) deep += ']';
  CHECK(contains(mistakes(valid + "name: " + deep + "\n"),
                 "error[E101] more than 64 levels of nesting\n  exp.yaml:8:70"));
  CHECK(contains(mistakes("name: " + std::string(100'000, '[') + "\n"), "more than 64 levels"));
  CHECK(contains(mistakes("name: " + std::string(100'000, '{') + "\n"), "more than 64 levels"));
}

TEST_CASE("an empty file, a folder and a missing file are mistakes", "[experiment]") {
  const std::string empty = mistakes("");
  INFO(empty);
  CHECK(contains(empty, "the key 'data' is missing"));
  CHECK(contains(empty, "the key 'model' is missing"));
  const TemporaryFolder folder;
  folder.write("quickstart.yaml", valid);
  CHECK(contains(mistakes_in(folder.path() / "quikstart.yaml"), "there is no such file"));
  CHECK(contains(mistakes_in(folder.path() / "quikstart.yaml"), "did you mean 'quickstart.yaml'?"));
  CHECK(contains(mistakes_in(folder.path()), "it is a folder"));
}

TEST_CASE("Windows line ends and a byte order mark are read", "[experiment]") {
  std::string text = "\xEF\xBB\xBF";
  for (const char c : valid + "seed: 3\n") text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(load(text).seed == 3);
  CHECK(contains(mistakes(text + "sed: 3\r\n"), "     9 | sed: 3\n       | ^^^ did you mean 'seed'?"));
}

TEST_CASE("damaged files load or are refused, nothing else", "[experiment]") {
  const TemporaryFolder folder;
  const std::string whole =
      valid +
      "compression: {type: self_compress, removal: {every: {epochs: 1}}}\n"
      "train: {epochs: \"${seed + 1}\", optimizer: {type: adam, groups: [{match: [\"*.bits\"]}]}}\n"
      "seed: 3\n";
  const auto survives = [&](const std::string& text) {
    const auto file = folder.write("exp.yaml", text);
    try {
      (void)load_experiment(file);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::experiment && error.what()[0] != 0;
    }
    return true;
  };
  for (std::size_t n = 0; n < whole.size(); n += 5) CHECK(survives(whole.substr(0, n)));
  const std::string signs = "{}[]:,-&*!|>'\"%@`#?$ \n\t0~<";
  const RandomStream random(0, Stream::synthetic);
  for (std::uint64_t i = 0; i < 600; ++i) {
    std::string text = whole;
    for (std::uint64_t k = 0; k < 1 + i % 3; ++k) {
      const char sign = signs[random.below(8 * i + 2 * k, signs.size())];
      const auto at = static_cast<std::size_t>(random.below(8 * i + 2 * k + 1, text.size()));
      if (i % 2 == 0)
        text[at] = sign;
      else
        text.insert(at, 1, sign);
    }
    INFO(text);
    CHECK(survives(text));
  }
}
