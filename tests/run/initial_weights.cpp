#include "run/initial_weights.h"

#include <cmath>
#include <functional>
#include <map>

#include "catch.h"
#include "core/file.h"
#include "core/settings_error.h"
#include "experiment_files.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/quantizer.h"
#include "scnn/core/safetensors.h"
#include "scnn/nn/graph.h"
#include "scnn/train/checkpoint.h"
#include "settings/check.h"

using namespace scnn;
using namespace scnn::test;

namespace {

// 2 channels of 3 x 4 pixels; a convolution, batch norm, relu, flatten, linear.
const std::string network_yaml =
    "model:\n"
    "  input: [2, 3, 4]\n"
    "  layers:\n"
    "    - {name: conv, type: conv2d, out: 3, kernel: [3, 2], padding: [1, 0]}\n"
    "    - {name: bn, type: batch_norm, eps: 0.001}\n"
    "    - {type: relu}\n"
    "    - {type: flatten}\n"
    "    - {name: fc, type: linear, out: 5}\n";
const std::string data = "data: {type: arrays, root: x.npz}\n";

/// Deterministic, of both signs, nothing special.
float value(std::size_t i, int salt) { return static_cast<float>(std::sin(0.7 * static_cast<double>(i) + salt)); }

Tensor filled(const Shape& shape, int salt, bool positive = false) {
  Tensor tensor = Tensor::host(shape);
  for (std::size_t i = 0; i < tensor.values<float>().size(); ++i) {
    tensor.data<float>()[i] = positive ? 1.5F + value(i, salt) : value(i, salt);
  }
  return tensor;
}

/// As PyTorch saves such a network.
Safetensors state_dict() {
  Safetensors file;
  file.tensors = {{"conv.weight", filled({3, 2, 3, 2}, 1)},
                  {"conv.bias", filled({3}, 2)},
                  {"bn.weight", filled({3}, 3)},
                  {"bn.bias", filled({3}, 4)},
                  {"bn.running_mean", filled({3}, 5)},
                  {"bn.running_var", filled({3}, 6, true)},
                  {"bn.num_batches_tracked", Tensor::host(Shape{}, DType::int32)},
                  {"fc.weight", filled({5, 27}, 7)},
                  {"fc.bias", filled({5}, 8)}};
  return file;
}

/// The logits of one image x[c][y][x] in plain loops over PyTorch's layouts, in doubles.
std::vector<double> reference(const Safetensors& file, const std::function<double(int, int, int)>& x) {
  const auto at = [&](const char* name, int i) { return static_cast<double>(file.tensors.at(name).data<float>()[i]); };
  std::vector<double> flat;  // (c, h, w)
  for (int o = 0; o < 3; ++o) {
    for (int y = 0; y < 3; ++y) {
      for (int z = 0; z < 3; ++z) {
        double sum = at("conv.bias", o);
        for (int c = 0; c < 2; ++c) {
          for (int ky = 0; ky < 3; ++ky) {
            for (int kx = 0; kx < 2; ++kx) {
              const int row = y + ky - 1;
              if (row >= 0 && row < 3) sum += at("conv.weight", ((o * 2 + c) * 3 + ky) * 2 + kx) * x(c, row, z + kx);
            }
          }
        }
        const double normal = (sum - at("bn.running_mean", o)) / std::sqrt(at("bn.running_var", o) + 0.001);
        flat.push_back(std::max(0.0, normal * at("bn.weight", o) + at("bn.bias", o)));
      }
    }
  }
  std::vector<double> logits;
  for (int k = 0; k < 5; ++k) {
    double sum = at("fc.bias", k);
    for (int i = 0; i < 27; ++i) sum += at("fc.weight", k * 27 + i) * flat[static_cast<std::size_t>(i)];
    logits.push_back(sum);
  }
  return logits;
}

class WeightsFixture {
 public:
  std::unique_ptr<Backend> backend = backend_for(Device{}, {1});
  Experiment experiment = load(data + network_yaml);
  Graph graph{experiment.model, *backend};
  TemporaryFolder folder;

  InitialWeights file(const Safetensors& content) {
    write_file(folder / "w.safetensors", encode_safetensors(content));
    return {(folder / "w.safetensors").string(), WeightLayout::pytorch, {}, {}};
  }
  std::string refusal(const InitialWeights& init) {
    try {
      load_initial_weights(init, graph);
    } catch (const SettingsError& error) {
      std::string text = error.what();
      const std::string place = folder.path().string() + "/";
      for (std::size_t i = text.find(place); i != std::string::npos; i = text.find(place)) text.erase(i, place.size());
      return text;
    }
    return "";
  }
  std::vector<float> parameter(const std::string& name) {
    for (const Parameter* p : graph.parameters()) {
      if (p->name == name) return host_values(*backend, p->value);
    }
    throw std::runtime_error("no parameter " + name);
  }
};

std::vector<float> as_vector(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("a PyTorch network gives the same logits here", "[init]") {
  WeightsFixture f;
  f.graph.initialize(3);
  const Safetensors file = state_dict();
  load_initial_weights(f.file(file), f.graph);
  const auto pixel = [](int c, int y, int x) { return std::cos(1.0 + 5 * c + 2 * y + 0.3 * x); };
  Tensor image = Tensor::host(Shape{1, 3, 4, 2});
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 4; ++x) {
      for (int c = 0; c < 2; ++c) image.data<float>()[(y * 4 + x) * 2 + c] = static_cast<float>(pixel(c, y, x));
    }
  }
  const std::vector<float> logits = host_values(*f.backend, f.graph.forward(image, Pass{}));
  const std::vector<double> expected = reference(file, pixel);
  for (std::size_t k = 0; k < 5; ++k) CHECK(logits[k] == Approx(expected[k]).epsilon(1e-5));
}

TEST_CASE("quantizers fit the loaded weights", "[init]") {
  WeightsFixture f;
  f.graph.initialize(3);
  Safetensors file = state_dict();
  for (float& v : file.tensors.at("conv.weight").values<float>()) v *= 64;
  load_initial_weights(f.file(file), f.graph);
  CompressionOptions options;
  options.type = "self_compress";
  attach_quantizers(f.graph, options);
  const std::vector<float> exponents = f.parameter("conv.exponent");
  const std::vector<float> weights = as_vector(file.tensors.at("conv.weight"));
  for (std::size_t o = 0; o < 3; ++o) {
    float largest = 0;
    for (std::size_t i = 0; i < 12; ++i) largest = std::max(largest, std::abs(weights[o * 12 + i]));
    CHECK(exponents[o] == Approx(starting_exponent(largest, static_cast<float>(options.init_bits))));
  }
}

TEST_CASE("names are mapped by module, tensor and pattern", "[init]") {
  WeightsFixture f;
  Safetensors file;
  const std::map<std::string, std::string> renamed = {
      {"conv", "module.features.0"}, {"bn", "module.features.1"}, {"fc", "module.head.x.out"}};
  for (const auto& [name, tensor] : state_dict().tensors) {
    const std::size_t dot = name.find('.');
    file.tensors[renamed.at(name.substr(0, dot)) + name.substr(dot)] = tensor;
  }
  const Safetensors plain = state_dict();
  InitialWeights init = f.file(file);
  init.map = {{"features.0", "conv"},
              {"features.1.*", "bn.*"},
              {"head.*.out.weight", "fc.weight"},
              {"module.head.x.out.bias", "fc.bias"}};
  CHECK(f.refusal(init).empty());
  CHECK(f.parameter("bn.scale") == as_vector(plain.tensors.at("bn.weight")));
  CHECK(f.parameter("bn.shift") == as_vector(plain.tensors.at("bn.bias")));
  CHECK(f.parameter("fc.bias") == as_vector(plain.tensors.at("fc.bias")));
  init.map.push_back({"nothing.*", "fc.*"});
  CHECK(f.refusal(init).find("map: no tensor of the file fits 'nothing.*'") != std::string::npos);
}

TEST_CASE("everything that does not fit is said at once, and nothing is changed", "[init]") {
  WeightsFixture f;
  f.graph.initialize(3);
  const std::vector<float> before = f.parameter("conv.bias");
  Safetensors file = state_dict();
  file.tensors.erase("bn.running_mean");
  file.tensors["extra.weight"] = filled({2, 2}, 9);
  file.tensors["conv.weight"] = filled({3, 3, 2, 2}, 1);
  file.tensors.at("bn.weight").data<float>()[1] = NAN;
  file.tensors.at("bn.running_var").data<float>()[1] = -1;
  InitialWeights init = f.file(file);
  init.skip = {"gone.*"};
  CHECK(f.refusal(init) ==
        "model.init: w.safetensors does not fit the network:\n"
        "  wrong:\n"
        "    skip: no parameter fits 'gone.*'\n"
        "    bn.running_var for bn.running_var holds a negative variance\n"
        "    bn.weight for bn.scale holds a value that is no finite number\n"
        "    conv.weight for conv.weight is [3, 3, 2, 2], expected [3, 2, 3, 2] or [3, 12]\n"
        "  missing in the file:\n"
        "    bn.running_mean [3]\n"
        "  left over in the file:\n"
        "    extra.weight [2, 2]\n"
        "name pairs in model.init.map, leave parameters random by model.init.skip, or change the network");
  CHECK(f.parameter("conv.bias") == before);
}

TEST_CASE("skipped parameters stay random, their tensors may be of any shape", "[init]") {
  WeightsFixture f;
  f.graph.initialize(3);
  const std::vector<float> head = f.parameter("fc.weight");
  Safetensors file = state_dict();
  file.tensors["fc.weight"] = filled({1000, 27}, 7);
  file.tensors["fc.bias"] = filled({1000}, 7);
  InitialWeights init = f.file(file);
  init.skip = {"fc.*"};
  CHECK(f.refusal(init).empty());
  CHECK(f.parameter("fc.weight") == head);
  CHECK(f.parameter("conv.bias") == as_vector(file.tensors.at("conv.bias")));
}

TEST_CASE("a checkpoint of this program is a file of weights too", "[init]") {
  WeightsFixture f;
  load_initial_weights(f.file(state_dict()), f.graph);
  WeightsFixture g;
  CompressionOptions options;
  options.type = "self_compress";
  attach_quantizers(f.graph, options);
  InitialWeights init = g.file(capture(f.graph, "config", "state").file);
  init.layout = WeightLayout::scnn;
  CHECK(g.refusal(init).empty());
  for (const char* name : {"conv.weight", "bn.scale", "bn.running_var", "fc.weight", "fc.bias"}) {
    CHECK(g.parameter(name) == f.parameter(name));
  }
  // Half of a convolution is gone.
  Safetensors smaller = capture(f.graph, "config", "state").file;
  smaller.tensors["model.conv.bias"] = filled({2}, 1);
  init = g.file(smaller);
  init.layout = WeightLayout::scnn;
  CHECK(g.refusal(init).find("a run that removed channels no longer fits") != std::string::npos);
}

TEST_CASE("a file of weights that is not there, of another kind or damaged", "[init]") {
  WeightsFixture f;
  CHECK(f.refusal({(f.folder / "no.npz").string(), {}, {}, {}}) == "model.init.from: there is no file no.npz");
  CHECK(f.refusal({f.folder.write("w.pt", "x").string(), {}, {}, {}})
            .find("w.pt is neither .safetensors nor .npz; from PyTorch: np.savez(") != std::string::npos);
  for (const char* name : {"bad.npz", "bad.safetensors"}) {
    try {
      load_initial_weights({f.folder.write(name, "not much").string(), {}, {}, {}}, f.graph);
      FAIL("it was read");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::checkpoint);
    }
  }
}

TEST_CASE("model.init is read, written and checked with its place", "[init]") {
  const TemporaryFolder folder;
  const std::string init =
      "  init:\n    from: weights/w.npz\n    layout: scnn\n    map: [{from: a, to: conv}]\n    skip: [\"fc.*\"]\n";
  const auto file = folder.write("exp.yaml", valid_data + valid_model + init);
  const Experiment experiment = load_experiment(file);
  CHECK(experiment.init.from == (folder / "weights/w.npz").string());
  CHECK(experiment.init.layout == WeightLayout::scnn);
  REQUIRE(experiment.init.map.size() == 1);
  CHECK((experiment.init.map[0].from == "a" && experiment.init.map[0].to == "conv"));
  CHECK(experiment.init.skip == std::vector<std::string>{"fc.*"});
  const Experiment again = parse_experiment(experiment.yaml, "copy");
  CHECK(again.yaml == experiment.yaml);
  CHECK(again.init.from == experiment.init.from);
  CHECK(load(valid).yaml.find("init:\n") == load(valid).yaml.rfind("init:\n"));  // compression.init alone

  try {
    check_initial_weights(experiment);
    FAIL("there is no such file");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::experiment);
    CHECK(contains(error.what(), "there is no file " + experiment.init.from));
    CHECK(contains(error.what(), "exp.yaml:9:"));
  }
  CHECK(contains(mistakes(valid + "  init: w.npz\n"), "'init' must be a map"));
  CHECK(contains(mistakes(valid + "  init: {layout: scnn}\n"), "the key 'from' is missing"));
  CHECK(contains(mistakes(valid + "  init: {from: a.npz, layout: tensorflow}\n"), "unknown layout"));
  CHECK(contains(mistakes(valid + "  init: {from: a.npz, form: b}\n"), "unknown key 'form'"));
}
