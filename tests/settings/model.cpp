// The builder of networks from YAML.
#include "catch.h"
#include "experiment_files.h"

using namespace scnn;
using namespace scnn::test;

namespace {

NetworkSpec network(const std::string& layers, const std::string& more = "") {
  return load(valid_data + "model:\n  input: [1, 28, 28]\n" + more + "  layers:\n" + layers).model;
}
std::string broken(const std::string& layers, const std::string& more = "") {
  return mistakes(valid_data + "model:\n  input: [1, 28, 28]\n" + more + "  layers:\n" + layers);
}
std::vector<std::string> names(const NetworkSpec& spec) {
  std::vector<std::string> out;
  for (const LayerSpec& layer : spec) out.push_back(layer.name);
  return out;
}

}  // namespace

TEST_CASE("layers have default names, chain, and know their place", "[experiment]") {
  const NetworkSpec spec = network(
      "    - {name: conv1, type: conv2d, out: 8, kernel: 3}\n"
      "    - {type: batch_norm}\n"
      "    - {type: relu}\n");
  CHECK(names(spec) == std::vector<std::string>{"input", "conv1", "batch_norm_1", "relu_2"});
  CHECK(spec[0].inputs.empty());
  CHECK(spec[1].inputs == std::vector<int>{0});
  CHECK(spec[3].inputs == std::vector<int>{2});
  const auto& input = std::get<InputSpec>(spec[0].options);
  CHECK((input.channels == 1 && input.h == 28 && input.w == 28));
  CHECK(contains(spec[2].where, "exp.yaml:6:7"));
}

TEST_CASE("every layer type reads its keys", "[experiment]") {
  const NetworkSpec spec = network(
      "    - {type: conv2d, out: 8, kernel: [3, 5], stride: [2, 1], padding: [1, 2], dilation: 2, groups: 1, bias: "
      "false}\n"
      "    - {type: conv2d, out: 16, kernel: 3, padding: same, groups: depthwise}\n"
      "    - {type: conv2d, kernel: 3, padding: valid, groups: depthwise}\n"
      "    - {type: batch_norm, eps: 0.001, momentum: 0.2}\n"
      "    - {type: max_pool2d, kernel: 3, stride: 2, padding: 1}\n"
      "    - {type: avg_pool2d, kernel: [2, 3]}\n"
      "    - {type: dropout, rate: 0.25}\n"
      "    - {type: scale, factor: -0.125}\n"
      "    - {type: global_max_pool}\n"
      "    - {type: global_avg_pool}\n"
      "    - {type: flatten}\n"
      "    - {type: linear, out: 10, bias: false}\n");
  const auto& conv = std::get<Conv2dSpec>(spec[1].options);
  CHECK(conv.out == 8);
  CHECK(conv.kernel == Extent2{3, 5});
  CHECK(conv.stride == Extent2{2, 1});
  CHECK(conv.padding == Padding::explicit_);
  CHECK(conv.pad == Extent2{1, 2});
  CHECK(conv.dilation == Extent2{2, 2});
  CHECK_FALSE(conv.bias);
  CHECK(std::get<Conv2dSpec>(spec[2].options).depthwise);
  CHECK(std::get<Conv2dSpec>(spec[2].options).padding == Padding::same);
  CHECK(std::get<Conv2dSpec>(spec[3].options).out == 16);
  CHECK(std::get<Conv2dSpec>(spec[3].options).padding == Padding::valid);
  CHECK(std::get<Conv2dSpec>(spec[3].options).bias);
  CHECK(std::get<BatchNormSpec>(spec[4].options).eps == 0.001F);
  CHECK(std::get<BatchNormSpec>(spec[4].options).momentum == 0.2F);
  const auto& max = std::get<PoolSpec>(spec[5].options);
  CHECK((max.kind == PoolKind::max && max.stride == Extent2{2, 2} && max.pad == Extent2{1, 1}));
  const auto& average = std::get<PoolSpec>(spec[6].options);
  CHECK((average.kind == PoolKind::average && average.stride == Extent2{2, 3}));
  CHECK(std::get<DropoutSpec>(spec[7].options).rate == 0.25F);
  CHECK(std::get<ScaleSpec>(spec[8].options).factor == -0.125F);
  CHECK(std::get<PoolSpec>(spec[9].options).global);
  CHECK(std::get<PoolSpec>(spec[10].options).kind == PoolKind::average);
  CHECK_FALSE(std::get<LinearSpec>(spec[12].options).bias);
}

TEST_CASE("inputs by name make any graph", "[experiment]") {
  const NetworkSpec spec = network(
      "    - {name: a, type: conv2d, out: 8, kernel: 1}\n"
      "    - {name: b, type: conv2d, input: input, out: 8, kernel: 1}\n"
      "    - {name: sum, type: add, input: [a, b]}\n"
      "    - {name: both, type: concat, input: [a, b, sum]}\n"
      "    - {name: d, type: conv2d, kernel: 1, groups: depthwise}\n");
  CHECK(spec[2].inputs == std::vector<int>{0});
  CHECK(spec[3].inputs == std::vector<int>{1, 2});
  CHECK(spec[4].inputs == std::vector<int>{1, 2, 3});
  CHECK(std::get<Conv2dSpec>(spec[5].options).out == 24);
}

TEST_CASE("a residual becomes its branch, its projection and a sum", "[experiment]") {
  const NetworkSpec spec = network(
      "    - {name: stem, type: conv2d, out: 8, kernel: 1}\n"
      "    - name: res\n"
      "      type: residual\n"
      "      layers:\n"
      "        - {name: conv, type: conv2d, out: 16, kernel: 1}\n"
      "        - {type: relu}\n"
      "        - {name: again, type: add, input: [conv, relu_1]}\n"
      "      projection: [{name: conv, type: conv2d, out: 16, kernel: 1}]\n"
      "    - {type: residual, layers: [{type: relu}]}\n"
      "    - {type: relu}\n");
  CHECK(names(spec) == std::vector<std::string>{"input", "stem", "res.projection.conv", "res.conv", "res.relu_1",
                                                "res.again", "res", "residual_6.relu_0", "residual_6", "relu_8"});
  CHECK(spec[2].inputs == std::vector<int>{1});
  CHECK(spec[3].inputs == std::vector<int>{1});
  CHECK(spec[5].inputs == std::vector<int>{3, 4});
  CHECK(spec[6].inputs == std::vector<int>{2, 5});
  CHECK(spec[8].inputs == std::vector<int>{6, 7});
  CHECK(std::holds_alternative<AddSpec>(spec[6].options));
}

TEST_CASE("blocks have parameters, nest, and prefix their names", "[experiment]") {
  const std::string blocks =
      "  blocks:\n"
      "    conv_bn:\n"
      "      parameters: {out: null, kernel: 3}\n"
      "      layers:\n"
      "        - {name: conv, type: conv2d, out: \"${out}\", kernel: \"${kernel}\"}\n"
      "        - {name: bn, type: batch_norm}\n"
      "    two:\n"
      "      parameters: {out: null, wide: \"${out * 2}\"}\n"
      "      layers:\n"
      "        - {name: x, type: conv_bn, out: \"${wide}\", kernel: 1}\n"
      "        - {name: y, type: conv_bn, out: \"${out}\"}\n"
      "        - {name: sum, type: concat, input: [input, x, y]}\n";
  const NetworkSpec spec = network(
      "    - {name: a, type: two, out: 4}\n"
      "    - {type: conv_bn, out: 6, input: a}\n",
      blocks);
  CHECK(names(spec) == std::vector<std::string>{"input", "a.x.conv", "a.x.bn", "a.y.conv", "a.y.bn", "a.sum",
                                                "conv_bn_5.conv", "conv_bn_5.bn"});
  CHECK(std::get<Conv2dSpec>(spec[1].options).out == 8);
  CHECK(std::get<Conv2dSpec>(spec[1].options).kernel == Extent2{1, 1});
  CHECK(std::get<Conv2dSpec>(spec[3].options).out == 4);
  CHECK(std::get<Conv2dSpec>(spec[3].options).kernel == Extent2{3, 3});
  CHECK(spec[5].inputs == std::vector<int>{0, 2, 4});
  CHECK(spec[6].inputs == std::vector<int>{5});

  CHECK(contains(broken("    - {type: two}\n", blocks), "the key 'out' is missing"));
  CHECK(contains(broken("    - {type: two}\n", blocks), "the block 'two' has no default for it"));
  CHECK(contains(broken("    - {type: two, out: 3, kernel: 3}\n", blocks), "unknown key 'kernel'"));
  CHECK(contains(broken("    - {type: towo, out: 3}\n", blocks), "did you mean 'two'?"));
}

TEST_CASE("blocks that contain themselves or hide a layer type are mistakes", "[experiment]") {
  const std::string blocks =
      "  blocks:\n"
      "    a: {layers: [{type: b}]}\n"
      "    b: {layers: [{type: relu}, {type: a}]}\n";
  const std::string text = broken("    - {type: a}\n", blocks);
  INFO(text);
  CHECK(contains(text, "error[E113] the block 'a' contains itself"));
  CHECK(contains(text, "a -> b -> a"));
  CHECK(contains(broken("    - {type: relu}\n", "  blocks: {relu: {layers: [{type: flatten}]}}\n"),
                 "'relu' is a layer type"));
  CHECK(contains(broken("    - {type: relu}\n", "  blocks: {a: {parameters: {name: 3}, layers: [{type: flatten}]}}\n"),
                 "a parameter cannot be called 'name'"));
  CHECK(contains(broken("    - {type: relu}\n", "  blocks: {a: {parameter: {x: 3}, layers: [{type: flatten}]}}\n"),
                 "did you mean 'parameters'?"));
  std::string doubling = "  blocks:\n    b0: {layers: [{type: relu}]}\n";
  for (int i = 1; i < 40; ++i) {
    const std::string inner = "{type: b" + std::to_string(i - 1) + "}";
    doubling += "    b" + std::to_string(i) + ": {layers: [" + inner + ", " + inner + "]}\n";
  }
  CHECK(contains(broken("    - {type: b39}\n", doubling), "more than 10000 layers"));
}

TEST_CASE("mistakes in layers", "[experiment]") {
  struct Case {
    std::string layers, message, note;
  };
  const Case cases[] = {
      {"    - {type: conv2, out: 3, kernel: 3}\n", "unknown layer type 'conv2'", "did you mean 'conv2d'?"},
      {"    - {type: affine}\n", "unknown layer type 'affine'", ""},
      {"    - {out: 3}\n", "the key 'type' is missing", ""},
      {"    - relu\n", "a layer must be a map such as {type: relu}, not 'relu'", ""},
      {"    - {type: conv2d, kernel: 3}\n", "the key 'out' is missing", ""},
      {"    - {type: conv2d, out: 3, kernel: 3, strid: 2}\n", "unknown key 'strid'", "did you mean 'stride'?"},
      {"    - {type: conv2d, out: 3, kernel: 0}\n", "'kernel' is 0", "must be in [1, 1024]"},
      {"    - {type: conv2d, out: 3, kernel: [3]}\n", "'kernel' must be a whole number or [rows, columns]", ""},
      {"    - {type: conv2d, out: 3, kernel: 3, padding: sane}\n",
       "'padding' must be a whole number, [rows, columns], same or valid", ""},
      {"    - {type: conv2d, out: 3, kernel: 3, padding: -1}\n", "'padding' is -1", ""},
      {"    - {type: conv2d, out: 3, kernel: 3, groups: deep}\n", "'groups' must be a whole number or depthwise", ""},
      {"    - {type: relu, rate: 1}\n", "unknown key 'rate'", ""},
      {"    - {type: dropout, rate: 1}\n", "'rate' is 1", "must be in [0, 1)"},
      {"    - {type: scale}\n", "the key 'factor' is missing", ""},
      {"    - {name: a, type: relu}\n    - {name: a, type: relu}\n", "two layers are called 'a'", "the first is at"},
      {"    - {name: input, type: relu}\n", "and not 'input'", ""},
      {"    - {name: \"a b\", type: relu}\n", "a layer's name is letters", ""},
      {"    - {name: a, type: relu, input: b}\n    - {name: b, type: relu}\n", "no earlier layer is called 'b'",
       "did you mean 'a'?"},
      {"    - {type: relu, input: []}\n", "'input' is an empty list", "name a layer, or remove the key"},
      {"    - {type: conv2d, out: 65536, kernel: 1}\n", "'out' is 65536", "must be in [1, 65535]"},
      {"    - {name: a, type: relu}\n    - {type: add, input: [a]}\n", "add takes two inputs or more, not 1",
       "write input: [a, b]"},
      {"    - {name: a, type: relu}\n    - {type: relu, input: [input, a]}\n", "relu takes one input, not 2", ""},
      {"    - {type: residual}\n", "the key 'layers' is missing", ""},
      {"    - {type: residual, layers: []}\n", "no layers", ""},
  };
  for (const Case& one : cases) {
    const std::string text = broken(one.layers);
    INFO(one.layers + "\n" + text);
    CHECK(contains(text, one.message));
    if (one.note != "did you mean 'a'?") CHECK(contains(text, one.note));
    CHECK(count(text, "error[") == 1);
  }
  CHECK(contains(mistakes(valid_data + "model: {input: [1, 28], layers: [{type: relu}]}\n"),
                 "'input' must be [channels, rows, columns]"));
  CHECK(contains(mistakes(valid_data + "model: {input: [0, 28, 28], layers: [{type: relu}]}\n"),
                 "'input' must be [channels"));
  CHECK(contains(mistakes(valid_data + "model: {layers: [{type: relu}]}\n"), "the key 'input' is missing"));
  CHECK(contains(mistakes(valid_data + "model: {input: [1, 28, 28]}\n"), "the key 'layers' is missing"));
  CHECK(contains(mistakes(valid_data + "model: {input: [1, 28, 28], layers: []}\n"), "no layers"));
  CHECK(contains(mistakes(valid_data + "model: {input: [1, 28, 28], layer: [], layers: [{type: relu}]}\n"),
                 "did you mean 'layers'?"));
  CHECK(contains(mistakes(valid_data + "model: resnet\n"), "'model' must be a map, not 'resnet'"));
}

TEST_CASE("a model file has parameters that experiments and overrides set", "[experiment]") {
  const TemporaryFolder folder;
  folder.write("models/net.yaml",
               "parameters: {width: 8, classes: 10}\n"
               "input: [1, 28, 28]\n"
               "layers:\n"
               "  - {name: conv, type: conv2d, out: \"${width * 2}\", kernel: 3}\n"
               "  - {type: flatten}\n"
               "  - {name: fc, type: linear, out: \"${classes}\"}\n");
  const auto file = folder.write("exp.yaml", valid_data + "model: {file: models/net.yaml, parameters: {width: 16}}\n");
  CHECK(std::get<Conv2dSpec>(load_experiment(file).model.at(1).options).out == 32);
  CHECK(contains(load_experiment(file).model.at(1).where, "models/net.yaml:4:5"));
  const std::vector<std::string> overrides = {"model.parameters.width=3", "model.layers.fc.out=11"};
  CHECK(std::get<Conv2dSpec>(load_experiment(file, overrides).model.at(1).options).out == 6);
  CHECK(std::get<LinearSpec>(load_experiment(file, overrides).model.at(3).options).out == 11);

  const auto with = [&](const std::string& model) { return mistakes_in(folder.write("x.yaml", valid_data + model)); };
  CHECK(contains(with("model: {file: models/net.yaml, parameters: {widht: 16}}\n"),
                 "models/net.yaml has no parameter 'widht'"));
  CHECK(contains(with("model: {file: models/net.yaml, parameters: {widht: 16}}\n"), "did you mean 'width'?"));
  CHECK(contains(with("model: {file: models/nte.yaml}\n"), "cannot read models/nte.yaml"));
  CHECK(contains(with("model: {file: models/net.yaml, layers: [{type: relu}]}\n"),
                 "both a model file and a list of layers"));
  CHECK(contains(with("model: {file: [a]}\n"), "model.file must be a path, not a list"));
  folder.write("models/loop.yaml", "file: loop.yaml\ninput: [1, 28, 28]\nlayers: [{type: relu}]\n");
  CHECK(contains(with("model: {file: models/loop.yaml}\n"), "a model file stands alone"));
  folder.write("models/need.yaml",
               "parameters: {out: null}\ninput: [1, 28, 28]\nlayers: [{type: linear, out: \"${out}\"}]\n");
  CHECK(contains(with("model: {file: models/need.yaml}\n"), "the parameter 'out' has no value"));
}
