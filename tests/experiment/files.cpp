// The experiments that come with the project.
#include <algorithm>

#include "catch.h"
#include "experiment_files.h"

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
  for (const auto& entry : std::filesystem::directory_iterator("experiments")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path().string());
    const Experiment e = load_experiment(entry.path());
    CHECK(load(e.yaml).yaml == e.yaml);
    ++files;
  }
  CHECK(files >= 6);
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
