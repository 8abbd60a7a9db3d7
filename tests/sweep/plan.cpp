// What a section `sweep` comes to: points, draws, seeds, the baseline, and every mistake with its place.
#include <algorithm>
#include <cmath>
#include <set>

#include "catch.h"
#include "experiment_files.h"
#include "sweep/sweep.h"

using namespace scnn;
using namespace scnn::test;

namespace {

const std::string base = valid + "compression: {type: self_compress}\ntrain: {optimizer: {type: adam}}\n";

SweepPlan plan_of(const std::string& sweep, const std::vector<std::string>& overrides = {},
                  const std::string& rest = base) {
  const TemporaryFolder folder;
  return plan_sweep(folder.write("exp.yaml", rest + sweep), overrides);
}

/// The message of a section that must be refused, its folder left out; the section stands in line 10.
std::string refused(const std::string& sweep, const std::vector<std::string>& overrides = {},
                    const std::string& rest = base) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.write("exp.yaml", rest + sweep);
  try {
    (void)plan_sweep(file, overrides);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::experiment);
    std::string text = error.what();
    const std::string place = file.parent_path().string() + "/";
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place))
      text.erase(at, place.size());
    return text;
  }
  return "";
}

std::vector<std::string> labels(const SweepPlan& plan) {
  std::vector<std::string> list;
  for (const SweepPoint& point : plan.points) list.push_back(point_label(plan, point));
  return list;
}

std::vector<std::string> names(const SweepPoint& point) {
  std::vector<std::string> list;
  for (const SweepRun& run : point.runs) list.push_back(run.name);
  return list;
}

std::vector<double> gammas(const SweepPlan& plan) {
  std::vector<double> list;
  for (const SweepPoint& point : plan.points) list.push_back(point.runs[0].experiment.compression.gamma);
  return list;
}

/// The largest distance between the values' distribution and `cdf` (Kolmogorov, Smirnov).
double distance(std::vector<double> values, const std::function<double(double)>& cdf) {
  std::sort(values.begin(), values.end());
  double largest = 0;
  const auto n = static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double at = cdf(values[i]), below = static_cast<double>(i) / n;
    largest = std::max({largest, std::abs(at - below), std::abs(at - below - 1 / n)});
  }
  return largest;
}

/// "0, 1, 2"
std::string whole_numbers(int count) {
  std::string list = "0";
  for (int i = 1; i < count; ++i) list.append(", ").append(std::to_string(i));
  return list;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a grid has every combination, the last axis first", "[sweep]") {
  const SweepPlan plan =
      plan_of("sweep: {axes: {compression.gamma: [0.1, 0.2], train: {epochs: [3, 4], optimizer.lr: [1.0e-2]}}}\n");
  CHECK(plan.name == "exp");
  CHECK(plan.keys == Texts{"compression.gamma", "train.epochs", "train.optimizer.lr"});
  CHECK(labels(plan) == Texts{"gamma=0.1 epochs=3", "gamma=0.1 epochs=4", "gamma=0.2 epochs=3", "gamma=0.2 epochs=4"});
  CHECK(plan.points[2].values == Texts{"0.2", "3", "0.01"});
  REQUIRE(plan.runs() == 4);
  const Experiment& third = plan.points[2].runs[0].experiment;
  CHECK(third.compression.gamma == 0.2);
  CHECK(third.train.epochs == 3);
  CHECK(names(plan.points[2]) == Texts{"p003-seed0"});
  // The settings of a run are a whole experiment that knows nothing of the sweep.
  CHECK_FALSE(contains(third.yaml, "sweep"));
  CHECK(load(third.yaml).yaml == third.yaml);
}

TEST_CASE("layers, lists, maps and parameters of a model file can be axes", "[sweep]") {
  const SweepPlan plan = plan_of("sweep: {axes: {model.layers.conv1.out: [4, 6], logging.sinks: [[csv], []]}}\n");
  CHECK(plan.points[3].values == Texts{"6", "[]"});
  CHECK(std::get<Conv2dSpec>(plan.points[3].runs[0].experiment.model.at(1).options).out == 6);
  const TemporaryFolder folder;
  folder.write(
      "net.yaml",
      "parameters: {width: 8}\ninput: [1, 28, 28]\nlayers: [{type: conv2d, out: \"${width}\", kernel: 3}, {type: "
      "flatten}, {type: linear, out: 10}]\n");
  const SweepPlan wide = plan_sweep(folder.write(
      "exp.yaml", valid_data + "model: {file: net.yaml}\nsweep: {axes: {model.parameters.width: [4, 5]}}\n"));
  CHECK(wide.points[1].values == Texts{"5"});
  CHECK(std::get<Conv2dSpec>(wide.points[1].runs[0].experiment.model.at(1).options).out == 5);
}

TEST_CASE("methods are an axis, by their type or as whole maps", "[sweep]") {
  const std::string strong = valid + "compression: {type: self_compress, gamma: 0.3}\n";
  const SweepPlan plan = plan_of("sweep: {axes: {compression.type: [none, self_compress, fixed_bits]}}\n", {}, strong);
  CHECK(plan.points[0].runs[0].experiment.compression.type == "none");
  CHECK(plan.points[1].runs[0].experiment.compression.gamma == 0.3);
  const SweepPlan maps = plan_of(
      "sweep: {axes: {compression: [{type: none}, {type: fixed_bits, bits: 4}, {type: self_compress, gamma: 0.1}]}}\n",
      {}, strong);
  CHECK(maps.keys == Texts{"compression.type", "compression.bits", "compression.gamma"});
  CHECK(maps.points[0].values == Texts{"none", "", ""});
  CHECK(maps.points[1].values == Texts{"fixed_bits", "4", ""});
  CHECK(maps.points[2].values == Texts{"self_compress", "", "0.1"});
}

TEST_CASE("points are a list, each with every combination of the axes", "[sweep]") {
  const SweepPlan plan = plan_of(
      "sweep:\n  points:\n    - {compression.gamma: 0.1, train.epochs: 2}\n    - {compression.gamma: 0.2}\n"
      "  axes: {train.batch_size: [8, 16]}\n");
  CHECK(labels(plan) == Texts{"gamma=0.1 epochs=2 batch_size=8", "gamma=0.1 epochs=2 batch_size=16",
                              "gamma=0.2 epochs=10 batch_size=8", "gamma=0.2 epochs=10 batch_size=16"});
  CHECK(labels(plan_of("sweep: {points: [{train.epochs: 2}, {train.epochs: 4}]}\n")) == Texts{"epochs=2", "epochs=4"});
}

TEST_CASE("runs that differ in their seed are one row", "[sweep]") {
  for (const char* sweep :
       {"sweep: {axes: {seed: [5, 3], train.epochs: [2, 4]}}\n",
        "sweep: {axes: {train.epochs: [2, 4], seed: [5, 3]}}\n",
        "sweep: {points: [{train.epochs: 2, seed: 5}, {train.epochs: 4, seed: 5}, {train.epochs: 2, "
        "seed: 3}, {train.epochs: 4, seed: 3}]}\n"}) {
    const SweepPlan plan = plan_of(sweep);
    CHECK(plan.keys == Texts{"train.epochs"});
    REQUIRE(plan.points.size() == 2);
    CHECK(names(plan.points[0]) == Texts{"p001-seed5", "p001-seed3"});
    CHECK(names(plan.points[1]) == Texts{"p002-seed5", "p002-seed3"});
    CHECK(plan.points[1].runs[1].experiment.seed == 3);
  }
}

TEST_CASE("the baseline comes first, once for each seed, on the file itself", "[sweep]") {
  const SweepPlan plan =
      plan_of("sweep: {axes: {compression.gamma: [0.1, 0.2], seed: [1, 2]}, baseline: {compression.type: none}}\n");
  REQUIRE(plan.points.size() == 3);
  CHECK(plan.points[0].baseline);
  CHECK(names(plan.points[0]) == Texts{"baseline-seed1", "baseline-seed2"});
  CHECK(plan.points[0].runs[0].experiment.compression.type == "none");
  CHECK(plan.points[0].values == Texts{"", "none"});
  CHECK(plan.points[1].values == Texts{"0.1", "self_compress"});
  CHECK(names(plan.points[1]) == Texts{"p001-seed1", "p001-seed2"});
  const SweepPlan single = plan_of("sweep: {axes: {compression.gamma: [0.1]}, baseline: {compression.type: none}}\n");
  CHECK(names(single.points[0]) == Texts{"baseline-seed0"});
}

TEST_CASE("a base file's axes merge with those of the file that extends it, overrides win", "[sweep]") {
  const TemporaryFolder folder;
  folder.write("base.yaml", base + "sweep: {axes: {compression.gamma: [0.1], seed: [1, 2]}}\n");
  const auto file = folder.write("more.yaml", "extends: [base.yaml]\nsweep: {axes: {train.epochs: [2, 3]}}\n");
  CHECK(plan_sweep(file).runs() == 4);
  const std::vector<std::string> overrides = {"sweep.axes.compression.gamma=[7, 8, 9]", "sweep.axes.seed=[4]"};
  const SweepPlan plan = plan_sweep(file, overrides);
  CHECK(plan.runs() == 6);
  CHECK(gammas(plan) == std::vector<double>{7, 7, 8, 8, 9, 9});
  CHECK(has_sweep(file));
  CHECK_FALSE(has_sweep(folder.write("none.yaml", valid)));
  // What is no sweep runs the file itself.
  CHECK(load_experiment(file).train.epochs == 10);
}

TEST_CASE("draws have the distribution they are asked for", "[sweep]") {
  const SweepPlan plan = plan_of(
      "sweep: {samples: 400, seed: 1, axes: {compression.gamma: {log_uniform: [0.001, 10]}, train.optimizer.lr: "
      "{uniform: "
      "[0.25, 0.75]}, train.batch_size: {choice: [16, 32, 64, 128]}}}\n");
  REQUIRE(plan.points.size() == 400);
  // Beyond this distance lies one sample of a thousand.
  const double most = 1.95 / std::sqrt(400.0);
  std::vector<double> gamma, lr;
  std::map<std::int64_t, int> batches;
  double product = 0;
  for (const SweepPoint& point : plan.points) {
    const Experiment& e = point.runs[0].experiment;
    gamma.push_back(e.compression.gamma);
    lr.push_back(e.train.optimizer.lr);
    ++batches[e.train.batch_size];
    product += (std::log10(gamma.back()) + 1) / (4 / std::sqrt(12.0)) * (lr.back() - 0.5) / (0.5 / std::sqrt(12.0));
  }
  CHECK(distance(gamma, [](double x) { return (std::log10(x) + 3) / 4; }) < most);
  CHECK(distance(lr, [](double x) { return (x - 0.25) / 0.5; }) < most);
  CHECK(std::abs(product / 400) < 3.3 / std::sqrt(400.0));  // not correlated
  REQUIRE(batches.size() == 4);
  for (const auto& [size, count] : batches) CHECK(std::abs(count - 100) < 3.3 * std::sqrt(400 * 0.25 * 0.75));
  CHECK(*std::min_element(gamma.begin(), gamma.end()) >= 0.001);
  CHECK(*std::max_element(gamma.begin(), gamma.end()) <= 10);
}

TEST_CASE("draws follow from the sweep's seed and the axis alone", "[sweep]") {
  const std::string axis = "compression.gamma: {log_uniform: [0.001, 10]}";
  const auto with = [&](const std::string& draws, const std::string& more) {
    return gammas(plan_of("sweep: {" + draws + ", axes: {" + more + axis + "}}\n"));
  };
  const std::vector<double> six = with("samples: 6", "");
  CHECK(std::set<double>(six.begin(), six.end()).size() == 6);
  CHECK(with("samples: 6", "") == six);
  CHECK(with("samples: 6, seed: 0", "train.optimizer.lr: {uniform: [0, 1]}, ") == six);
  CHECK(with("samples: 6, seed: 1", "") != six);
  // More samples go on where fewer ended.
  std::vector<double> nine = with("samples: 9", "");
  nine.resize(6);
  CHECK(nine == six);
  // Each draw goes with every combination of the grid.
  const SweepPlan grid = plan_of("sweep: {samples: 3, axes: {" + axis + ", seed: [1, 2]}}\n");
  CHECK(grid.points.size() == 3);
  CHECK(grid.runs() == 6);
}

TEST_CASE("a draw that repeats another is not run again", "[sweep]") {
  const SweepPlan plan = plan_of("sweep: {samples: 20, axes: {train.epochs: {choice: [2, 3, 4]}}}\n");
  CHECK(plan.points.size() == 3);
  CHECK(plan.repeated == 17);
}

TEST_CASE("what is written twice is a mistake", "[sweep]") {
  std::string text = refused("sweep: {axes: {compression.gamma: [0.1, 0.2, 0.10]}}\n");
  CHECK(
      contains(text, "error[E102] compression.gamma=0.10 is the same run as compression.gamma=0.1\n  exp.yaml:10:46"));
  text = refused("sweep: {axes: {seed: [1, 2, 1]}}\n");
  CHECK(contains(text, "exp.yaml:10:29"));
  text = refused("sweep: {axes: {train.epochs: [2, 3], seed: [1, 1]}}\n");
  CHECK(count(text, "error[") == 1);
  text = refused("sweep: {points: [{train.epochs: 2}, {train.epochs: 10}, {}, {train.epochs: 2}]}\n");
  CHECK(count(text, "error[") == 2);
  text = refused("sweep: {axes: {compression.type: [none, fixed_bits]}, baseline: {compression.type: none}}\n");
  CHECK(contains(text, "the baseline compression.type=none"));
}

TEST_CASE("every mistake of a section is told with its place", "[sweep]") {
  const std::vector<std::pair<std::string, Texts>> cases = {
      {"sweep: 3\n", {"exp.yaml:10:8", "'sweep' must be a map"}},
      {"sweep: {}\n", {"exp.yaml:10:8", "the key 'axes' is missing"}},
      {"sweep: {axes: 3}\n", {"exp.yaml:10:15", "must be a map of settings"}},
      {"sweep: {axis: {seed: [1]}}\n", {"exp.yaml:10:9", "did you mean 'axes'?"}},
      {"sweep: {axes: {train.epochs: 3}}\n", {"exp.yaml:10:30", "a list of values, {log_uniform"}},
      {"sweep: {axes: {train.epochs: []}}\n", {"exp.yaml:10:30", "has no values"}},
      {"sweep: {axes: {train.epochs: }}\n", {"exp.yaml:10:16", "not nothing"}},
      {"sweep: {axes: {train.epohcs: [2]}}\n", {"exp.yaml:10:16", "did you mean 'epochs'?"}},
      {"sweep: {axes: {train.epochs: [2, x, 0]}}\n", {"exp.yaml:10:34", "exp.yaml:10:37", "must be in [1, 1000000]"}},
      {"sweep: {axes: {name: [a, b]}}\n", {"exp.yaml:10:16", "the same in all runs"}},
      {"sweep: {axes: {extends: [a, b]}}\n", {"exp.yaml:10:16", "the same in all runs"}},
      {"sweep: {axes: {train..epochs: [2]}}\n", {"exp.yaml:10:16", "no key of a setting"}},
      {"sweep: {axes: {model.layers.conv9.out: [2]}}\n", {"exp.yaml:10:16", "did you mean 'conv1'?"}},
      {"sweep: {axes: {model.layers.conv1.kernel: [3, 99]}}\n", {"error[E112] layer 'conv1'", "exp.yaml:5:7"}},
      {"sweep: {axes: {compression.gamma: {log_unifrom: [1, 2]}}}\n",
       {"exp.yaml:10:36", "did you mean 'log_uniform'?"}},
      {"sweep: {samples: 2, axes: {compression.gamma: {log_uniform: [0, 2]}}}\n",
       {"exp.yaml:10:61", "min must be above 0"}},
      {"sweep: {samples: 2, axes: {compression.gamma: {uniform: [2, 1]}}}\n",
       {"exp.yaml:10:57", "min must be below max"}},
      {"sweep: {samples: 2, axes: {compression.gamma: {uniform: [1]}}}\n",
       {"exp.yaml:10:57", "[min, max], two numbers"}},
      {"sweep: {samples: 2, axes: {compression.gamma: {uniform: [1, 2], choice: [1]}}}\n",
       {"exp.yaml:10:47", "must be a list"}},
      {"sweep: {samples: 2, axes: {train.epochs: {choice: []}}}\n", {"exp.yaml:10:51", "at least one value"}},
      {"sweep: {samples: 2, axes: {train.epochs: {uniform: [2, 9]}}}\n", {"exp.yaml:10:42", "must be a whole number"}},
      {"sweep: {axes: {compression.gamma: {uniform: [1, 2]}}}\n", {"exp.yaml:10:16", "'samples' is missing"}},
      {"sweep: {samples: 0, axes: {compression.gamma: {uniform: [1, 2]}}}\n",
       {"exp.yaml:10:18", "must be in [1, 10000]"}},
      {"sweep: {samples: 2, seed: 1, axes: {train.epochs: [2]}}\n",
       {"exp.yaml:10:18", "'samples' has no effect", "exp.yaml:10:27", "'seed' has no effect"}},
      {"sweep: {points: {}}\n", {"exp.yaml:10:17", "must be a list of maps"}},
      {"sweep: {points: [3]}\n", {"exp.yaml:10:18", "must be a map of settings"}},
      {"sweep: {points: [{train.epochs: 2}], axes: {train.epochs: [3]}}\n",
       {"exp.yaml:10:45", "by another axis or point"}},
      {"sweep: {axes: {train.epochs: [3], train: {epochs: [4]}}}\n",
       {"exp.yaml:10:43", "duplicate key 'train.epochs'"}},
      {"sweep: {axes: {compression: [{type: none}], compression.type: [none]}}\n",
       {"exp.yaml:10:45", "by another axis or point"}},
      {"sweep: {axes: {train.epochs: [2]}, baseline: {seed: 1}}\n", {"exp.yaml:10:47", "remove 'seed' here"}},
      {"sweep: {axes: {train.epochs: [2]}, baseline: {compresion.type: none}}\n",
       {"exp.yaml:10:47", "did you mean 'compression'?"}},
      {"sweep: {axes: {compression.type: [none, fixed_bits], compression.gamma: [1]}}\n",
       {"'gamma' does not exist for type none", "'gamma' does not exist for type fixed_bits"}},
      {"sweep: {axes: {seed: [" + whole_numbers(10001) + "]}}\n", {"more than 10000 runs"}},
  };
  for (const auto& [sweep, texts] : cases) {
    const std::string text = refused(sweep);
    INFO(sweep.substr(0, 200) << text);
    for (const std::string& wanted : texts) CHECK(contains(text, wanted));
  }
  CHECK(contains(refused(""), "the key 'sweep' is missing"));
}

TEST_CASE("mistakes of the file and of all points come at once", "[sweep]") {
  const std::string text =
      refused("logging: {sinks: none}\nsweep: {axes: {train.epochs: [x, 2], compression.gamma: [1, -1]}}\n",
              {"data.trian_limit=3"});
  INFO(text);
  CHECK(count(text, "error[") == 4);
  // A run reads the section too, as far as it goes without its points.
  CHECK(contains(mistakes(base + "sweep: {axes: {train.epochs: 3}}\n"), "exp.yaml:10:30"));
}

TEST_CASE("an override that the points replace is refused", "[sweep]") {
  const std::string sweep = "sweep: {axes: {compression.gamma: [0.1, 0.2]}}\n";
  CHECK(contains(refused(sweep, {"compression.gamma=3"}), "override 'compression.gamma=3'"));
  CHECK(contains(refused(sweep, {"compression={type: self_compress, gamma: 3}"}), "would have no effect"));
  CHECK(plan_of(sweep, {"compression.max_bits=9"}).runs() == 2);
}

TEST_CASE("a plan's folder gives the plan back", "[sweep]") {
  const TemporaryFolder place;
  SweepPlan plan =
      plan_of("sweep: {axes: {compression.gamma: [0.1, 0.2], seed: [1, 2]}, baseline: {compression.type: none}}\n");
  plan.threads = 3;
  std::filesystem::path folder = make_sweep(plan, place / "s", false);
  CHECK(is_sweep(folder));
  const SweepPlan again = open_sweep(folder);
  CHECK(again.name == plan.name);
  CHECK(again.keys == plan.keys);
  CHECK(again.threads == 3);
  REQUIRE(again.points.size() == plan.points.size());
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    CHECK(again.points[i].baseline == plan.points[i].baseline);
    CHECK(again.points[i].values == plan.points[i].values);
    CHECK(names(again.points[i]) == names(plan.points[i]));
    CHECK(again.points[i].runs[1].experiment.yaml == plan.points[i].runs[1].experiment.yaml);
  }
  // Another shard finds it, whatever threads it would have chosen; another sweep does not pass for it.
  plan.threads = 8;
  CHECK(make_sweep(plan, place / "s", true) == place / "s");
  CHECK(open_sweep(folder).threads == 3);
  CHECK_THROWS_AS(make_sweep(plan, place / "s", false), Error);
  CHECK_THROWS_AS(make_sweep(plan_of("sweep: {axes: {train.epochs: [1]}}\n"), place / "s", true), Error);
}
