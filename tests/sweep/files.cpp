// The experiments that come with the project.
#include <algorithm>
#include <set>

#include "catch.h"
#include "core/file.h"
#include "experiment_files.h"
#include "settings/check.h"
#include "sweep/sweep.h"

using namespace scnn;
using namespace scnn::test;

namespace {

/// Weights of convolutions and linear layers behind global pools or 1x1 images, biases aside.
std::int64_t weights_of(const NetworkSpec& spec) {
  std::vector<std::int64_t> channels(spec.size());
  std::int64_t total = 0;
  for (std::size_t i = 0; i < spec.size(); ++i) {
    const std::int64_t in = spec[i].inputs.empty() ? 0 : channels[static_cast<std::size_t>(spec[i].inputs[0])];
    channels[i] = in;
    if (const auto* input = std::get_if<InputSpec>(&spec[i].options)) channels[i] = input->channels;
    if (const auto* conv = std::get_if<Conv2dSpec>(&spec[i].options)) {
      channels[i] = conv->out;
      total += conv->out * conv->kernel.h * conv->kernel.w * (conv->depthwise ? 1 : in / conv->groups);
    }
    if (const auto* linear = std::get_if<LinearSpec>(&spec[i].options)) {
      channels[i] = linear->out;
      total += linear->out * in;
    }
  }
  return total;
}

}  // namespace

TEST_CASE("every experiment of the project loads and writes itself", "[experiment]") {
  int files = 0;
  int sweeps = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("experiments")) {
    // A model file is a part of an experiment.
    if (entry.path().extension() != ".yaml" || entry.path().parent_path().filename() == "models") continue;
    INFO(entry.path().string());
    const Experiment e = load_experiment(entry.path());
    CHECK(load(e.yaml).yaml == e.yaml);
    check_experiment(e);
    ++files;
    if (!contains(read_text(entry.path(), ErrorKind::data), "\nsweep:")) continue;
    for (const SweepPoint& point : plan_sweep(entry.path()).points) {
      for (const auto& run : point.runs) check_experiment(run.experiment);
    }
    ++sweeps;
  }
  CHECK(files >= 15);
  CHECK(sweeps >= 5);
}

TEST_CASE("the paper's experiments keep its order of augmentation, its rates, and one setting for all methods",
          "[experiment]") {
  for (const std::string folder : {"experiments/paper/", "experiments/paper_small/"}) {
    const Experiment own = load_experiment(folder + "self_compression.yaml");
    REQUIRE(own.data.augment.size() == 5);
    CHECK(std::get<Pad>(own.data.augment[0]).pad == 4);
    CHECK(std::holds_alternative<AutoAugment>(own.data.augment[1]));
    CHECK(std::holds_alternative<HorizontalFlip>(own.data.augment[2]));
    CHECK(std::holds_alternative<Crop>(own.data.augment[3]));
    CHECK(std::get<RandomErasing>(own.data.augment[4]).probability == 0.5);
    std::set<std::string> methods;
    for (const char* file : {"figure_3.yaml", "figure_3_baselines.yaml"}) {
      for (const SweepPoint& point : plan_sweep(folder + file).points) {
        const Experiment& e = point.runs.at(0).experiment;
        methods.insert(e.compression.type);
        CHECK(e.train.epochs == own.train.epochs);
        CHECK(e.train.batch_size == own.train.batch_size);
        CHECK(e.train.optimizer.lr == own.train.optimizer.lr);
        CHECK(e.data.augment.size() == 5);
        CHECK(weights_of(e.model) == weights_of(own.model));
      }
    }
    CHECK(methods.size() >= 4);
  }
  const Experiment paper = load_experiment("experiments/paper/self_compression.yaml");
  CHECK(weights_of(paper.model) == 6'568'640);
  CHECK(paper.train.optimizer.groups.at(0).lr == 0.5);
  CHECK(paper.train.optimizer.groups.at(0).eps == 1e-3);
  CHECK(paper.train.optimizer.lr == 1e-3);
  CHECK(paper.train.optimizer.eps == 1e-5);
  CHECK(paper.train.optimizer.weight_decay == 5e-4);
  CHECK(paper.train.schedule.after_epochs == 850);
}

TEST_CASE("Page's network has the published number of weights", "[experiment]") {
  const Experiment e = load_experiment("experiments/cifar10_page.yaml");
  CHECK(weights_of(e.model) == 6'568'640);
  const std::vector<std::string> narrow = {"model.parameters.width=16"};
  const Experiment small = load_experiment("experiments/cifar10_page.yaml", narrow);
  CHECK(small.model.size() == e.model.size());
  CHECK(weights_of(small.model) == 9 * (3 * 16 + 16 * 32 + 2 * 32 * 32 + 32 * 64 + 64 * 128 + 2 * 128 * 128) + 1280);
  // No relu after a residual sum, and the logits are scaled.
  const auto sum =
      std::find_if(e.model.begin(), e.model.end(), [](const LayerSpec& l) { return l.name == "residual1"; });
  REQUIRE(sum != e.model.end());
  CHECK(std::holds_alternative<AddSpec>(sum->options));
  CHECK(std::get<Conv2dSpec>((sum + 1)->options).out == 256);
  CHECK(std::get<ScaleSpec>(e.model.back().options).factor == 0.125F);
}

TEST_CASE("the baselines differ from fashion_mnist.yaml in compression alone", "[experiment]") {
  const Experiment base = load_experiment("experiments/fashion_mnist.yaml");
  for (const char* file : {"experiments/fashion_mnist_float.yaml", "experiments/fashion_mnist_fixed_bits.yaml"}) {
    const Experiment e = load_experiment(file);
    CHECK(e.compression.type != base.compression.type);
    CHECK(e.train.epochs == base.train.epochs);
    CHECK(e.train.batch_size == base.train.batch_size);
    CHECK(e.train.optimizer.lr == base.train.optimizer.lr);
    CHECK(weights_of(e.model) == weights_of(base.model));
  }
  const std::vector<std::string> two = {"compression.bits=2"};
  CHECK(load_experiment("experiments/fashion_mnist_fixed_bits.yaml", two).compression.bits == 2);
}
