// What is checked beyond single keys: shapes, the data's images and classes, patterns of names.
#include "settings/check.h"

#include "catch.h"
#include "core/settings_error.h"
#include "experiment_files.h"

using namespace scnn;
using namespace scnn::test;

namespace {

/// The message of a file that loads but does not stand the check; empty where it does.
std::string faults(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const TemporaryFolder folder;
  const auto file = folder.write("exp.yaml", text);
  const Experiment experiment = load_experiment(file, overrides);
  try {
    check_experiment(experiment);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::experiment);
    std::string message = error.what();
    const std::string path = folder.path().string() + "/";
    for (std::size_t at = message.find(path); at != std::string::npos; at = message.find(path))
      message.erase(at, path.size());
    return message;
  }
  return "";
}

}  // namespace

TEST_CASE("every wrong shape is shown with code, place, line and caret", "[experiment]") {
  const std::string text = faults(valid_data +
                                  "model:\n"
                                  "  input: [1, 28, 28]\n"
                                  "  layers:\n"
                                  "    - {name: a, type: conv2d, out: 8, kernel: 99, padding: valid}\n"
                                  "    - {name: b, type: conv2d, out: 9, kernel: 2, padding: same, input: input}\n"
                                  "    - {name: c, type: conv2d, out: 10, kernel: 3, input: input}\n");
  INFO(text);
  CHECK(count(text, "error[E112] ") == 3);
  CHECK(contains(text, "error[E112] layer 'a' (conv2d) window of 99 does not fit"));
  CHECK(contains(text, "\n  exp.yaml:5:7  in model\n"));
  CHECK(
      contains(text, "     5 |     - {name: a, type: conv2d, out: 8, kernel: 99, padding: valid}\n       |       ^\n"));
  CHECK(contains(text, "\n  exp.yaml:6:7  in model\n"));
  CHECK(contains(text, "layer 'c' (conv2d) ends the network"));
  CHECK(faults(valid).empty());
}

TEST_CASE("a shape that an override spoils is shown at the override", "[experiment]") {
  const std::string text = faults(valid, {"model.layers=[{name: conv1, type: conv2d, out: 8, kernel: 99}]"});
  CHECK(contains(text, "layer 'conv1' (conv2d) window of 99"));
  CHECK(contains(text, "override 'model.layers=["));
}

TEST_CASE("logits must be as many as the data set has classes", "[experiment]") {
  const std::string few = faults(valid, {"model.layers.fc.out=7"});
  CHECK(contains(few, "error[E112] layer 'fc' makes 7 logits, fashion_mnist has 10 classes"));
  CHECK(contains(few, "set out to 10"));
  CHECK(contains(few, "override 'model.layers.fc.out=7'"));
  const std::string model = valid_model + "    - {type: scale, factor: 0.5}\n";
  const std::string made = faults("data: {type: synthetic, height: 28, width: 28, classes: 3}\n" + model);
  CHECK(contains(made, "layer 'fc' makes 10 logits, synthetic has 3 classes\n  exp.yaml:7:37  in model"));
  CHECK(contains(made, "set out to 3"));
  CHECK(faults("data: {type: synthetic, height: 28, width: 28, classes: 10}\n" + model).empty());
  CHECK(contains(faults("data: {type: mnist}\n" + valid_model, {"model.layers.fc.out=100"}), "mnist has 10 classes"));
  const std::string colour =
      "model:\n  input: [3, 32, 32]\n  layers:\n    - {type: flatten}\n    - {type: linear, out: 10}\n";
  CHECK(faults("data: {type: cifar10}\n" + colour).empty());
  CHECK(contains(faults("data: {type: cifar100}\n" + colour), "cifar100 has 100 classes"));
}

TEST_CASE("a compression of no layer is refused", "[experiment]") {
  const std::string text = faults(valid + "compression: {type: fixed_bits, exclude: [conv1, fc]}\n");
  CHECK(contains(text, "compression.exclude: include and exclude leave no layer to compress"));
  CHECK(contains(text, "exp.yaml:8:42  in compression"));
}

TEST_CASE("patterns that name nothing are shown where they stand", "[experiment]") {
  const std::string text = faults(valid +
                                  "compression: {type: self_compress, exclude: [\"nothing\"]}\n"
                                  "train:\n"
                                  "  optimizer:\n"
                                  "    type: adam\n"
                                  "    groups: [{match: [\"*.bit\"], lr: 1}]\n");
  INFO(text);
  CHECK(count(text, "error[E115]") == 2);
  CHECK(contains(text, "compression.exclude: 'nothing' matches no layer with weights; they are: conv1, fc\n"));
  CHECK(contains(text, "exp.yaml:8:45  in compression"));
  CHECK(contains(text, "'*.bit' fits no parameter"));
  CHECK(contains(text, "exp.yaml:12:22  in train.optimizer.groups[0]"));
}

TEST_CASE("a setting that only the data can refuse is shown with its line", "[experiment]") {
  const Experiment experiment = load(valid + "train: {batch_size: 99}\n");
  try {
    with_locations(experiment, [] { throw SettingsError("train.batch_size", "99 is too many"); });
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(contains(error.what(), "error[E115] train.batch_size: 99 is too many\n"));
    CHECK(contains(error.what(), "exp.yaml:8:21  in train\n"));
    CHECK(contains(error.what(), "     8 | train: {batch_size: 99}\n"));
  }
  try {
    // Not written: the map around it, or the file.
    with_locations(experiment, [] { throw SettingsError("data.train_limit", "too many"); });
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(contains(error.what(), "exp.yaml:1:7  in data\n"));
  }
}

TEST_CASE("a network is held against the data that were really read", "[experiment]") {
  const Experiment experiment = load(valid);
  const auto backend = backend_for(Device{}, {1});
  const Graph graph(experiment.model, *backend);
  Dataset data;
  data.name = "these";
  data.channels = 1, data.h = data.w = 28, data.classes = 10;
  CHECK_NOTHROW(check_fits(graph, data));
  data.classes = 9;
  CHECK_THROWS_WITH(check_fits(graph, data), Catch::Matchers::Contains("'fc' makes 10 logits, these has 9 classes"));
  data.h = 27;
  CHECK_THROWS_WITH(check_fits(graph, data), Catch::Matchers::Contains("images of these are [1, 27, 28]"));
}
