#include <algorithm>
#include <cmath>

#include "catch.h"
#include "random_model.h"
#include "scnn/compress/quantizer.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"

using namespace scnn;
using scnn::test::difference;
using scnn::test::random_images;
using scnn::test::random_model;
using scnn::test::same_bits;

namespace {

/// Nothing but trimming.
constexpr ExportOptions exact{IntegerForm::coded, RealForm::float32, false};

std::unique_ptr<Backend> cpu_backend() { return backend_for(Device{}, BackendOptions{1}); }

std::vector<float> logits(Graph& graph) {
  const Tensor& y = graph.forward(random_images(graph, 3), Pass{});
  const auto values = y.values<float>();
  return {values.begin(), values.end()};
}

/// Largest difference as a share of the largest value.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 1e-30, worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return worst / largest;
}

/// Trims, or says that the network is a constant.
bool try_trim(const PackedModel& model, Backend& backend, PackedModel& trimmed) {
  try {
    trimmed = trim(model, backend);
    return true;
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::training);
    return false;
  }
}

std::int64_t live_weights(const PackedModel& model) {
  std::int64_t sum = 0;
  for (const PackedLayer& layer : model.layers) sum += layer.shape.rank() > 0 ? layer.shape.size() : 0;
  return sum;
}

std::int64_t packed_bits(const PackedModel& model) {
  std::int64_t sum = 0;
  for (const FilePart& part : account(model)) sum += part.packed_bits;
  return sum;
}

LayerSpec layer(const char* name, LayerOptions options, std::vector<int> inputs) {
  return {name, std::move(options), std::move(inputs), ""};
}

/// Gives every parameter and statistic random values, and each layer's first two channels no bits.
void randomize(Graph& graph, Backend& backend) {
  const RandomStream stream(3, Stream::probe);
  std::uint64_t next = 0;
  for (Parameter* parameter : graph.parameters()) {
    Tensor host = Tensor::host(parameter->value.shape());
    const bool positive = parameter->name.ends_with("var") || parameter->name.ends_with("bits");
    const bool bits = parameter->name.ends_with("bits");
    if (parameter->name.ends_with("exponent") || parameter->name.ends_with("frozen")) continue;
    std::int64_t i = 0;
    for (float& value : host.values<float>()) {
      const float u = uniform(stream.draws(next++).v[0]);
      value = bits ? 4.0F * u : positive ? 0.5F + u : 2.0F * u - 1.0F;
      if (bits && i++ < 2) value = 0;
    }
    backend.copy(host, parameter->value);
  }
}

NetworkSpec residual_network() {
  Conv2dSpec first, second, third;
  first.out = 12, first.kernel = {3, 3}, first.padding = Padding::same, first.bias = false;
  second = first;
  third = first;
  third.bias = true;
  PoolSpec pool;
  return {layer("in", InputSpec{2, 8, 8}, {}),
          layer("a", first, {0}),
          layer("a_norm", BatchNormSpec{}, {1}),
          layer("a_relu", ReluSpec{}, {2}),
          layer("b", second, {3}),
          layer("b_norm", BatchNormSpec{}, {4}),
          layer("b_relu", ReluSpec{}, {5}),
          layer("drop", DropoutSpec{}, {6}),
          layer("sum", AddSpec{}, {3, 7}),
          layer("c", third, {8}),
          layer("pool", pool, {9}),
          layer("flat", FlattenSpec{}, {10}),
          layer("drop2", DropoutSpec{}, {11}),
          layer("fc", LinearSpec{4, true}, {12})};
}

}  // namespace

TEST_CASE("the file changes no bit of the logits") {
  const auto backend = cpu_backend();
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    INFO("seed " << seed);
    const PackedModel model = random_model(seed);
    const auto direct = unpack(model, *backend);
    const auto read = unpack(decode(encode(model), "model.scnn"), *backend);
    REQUIRE(same_bits(logits(*direct), logits(*read)));
  }
}

TEST_CASE("trimming is exact, reaches a fixed point, and drops something") {
  const auto backend = cpu_backend();
  std::int64_t before = 0, after = 0;
  int constant = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    INFO("seed " << seed);
    const PackedModel model = random_model(seed);
    PackedModel trimmed;
    if (!try_trim(model, *backend, trimmed)) {
      ++constant;
      continue;
    }
    before += live_weights(model);
    after += live_weights(trimmed);
    const auto whole = unpack(model, *backend);
    const auto small = unpack(trimmed, *backend);
    REQUIRE(distance(logits(*whole), logits(*small)) < 2e-6);
    REQUIRE(difference(trim(trimmed, *backend), trimmed) == "");
    REQUIRE(difference(decode(encode(trimmed), "model.scnn"), trimmed) == "");
    REQUIRE(packed_bits(trimmed) <= packed_bits(model));
  }
  CHECK(after < before * 9 / 10);
  CHECK(constant < 50);
}

TEST_CASE("packing again changes nothing") {
  const auto backend = cpu_backend();
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    PackedModel trimmed;
    if (!try_trim(random_model(seed), *backend, trimmed)) continue;
    const auto graph = unpack(trimmed, *backend);
    const std::vector<float> expected = logits(*graph);
    const PackedModel again = pack(*graph, "again", Dataset{}, exact);
    REQUIRE(again.sets == trimmed.sets);
    REQUIRE(same_bits(logits(*unpack(again, *backend)), expected));
  }
}

TEST_CASE("pack keeps a trained graph's function and leaves the graph alone") {
  const auto backend = cpu_backend();
  Graph graph(residual_network(), *backend);
  graph.initialize(1);
  CompressionOptions options;
  attach_quantizers(graph, options);
  randomize(graph, *backend);
  const std::vector<float> expected = logits(graph);
  Dataset data;
  data.class_names = {"a", "b", "c", "d"};
  data.normalization = {{0.5F, 0.25F}, {1, 2}};
  const PackedModel model = pack(graph, "net", data, exact);
  CHECK(same_bits(logits(graph), expected));
  const auto small = unpack(model, *backend);
  CHECK(distance(expected, logits(*small)) < 2e-6);

  // Dropouts are gone, batch-norms are affine, channels kept their names.
  CHECK(model.network.size() == 12);
  for (const LayerSpec& spec : model.network) {
    CHECK_FALSE(std::holds_alternative<DropoutSpec>(spec.options));
    CHECK_FALSE(std::holds_alternative<BatchNormSpec>(spec.options));
  }
  CHECK(model.class_names == data.class_names);
  const PackedModel back = decode(encode(model), "model.scnn");
  CHECK(difference(model, back) == "");
  CHECK(same_bits(logits(*small), logits(*unpack(back, *backend))));
}

TEST_CASE("channels that nobody reads go, and their names stay") {
  const auto backend = cpu_backend();
  Conv2dSpec conv;
  conv.out = 4;
  conv.bias = true;
  PackedModel model;
  model.network = {layer("in", InputSpec{1, 2, 2}, {}), layer("a", conv, {0}), layer("b", conv, {1}),
                   layer("flat", FlattenSpec{}, {2}), layer("fc", LinearSpec{2, false}, {3})};
  model.sets = {ChannelSet(1), ChannelSet(4), ChannelSet(4), ChannelSet(2)};
  model.layers.resize(5);
  model.affines.resize(5);
  // a0 is read by b0 alone, which nobody reads; a1 is constant 0; a2 is the constant 0.5 and read; a3 is read.
  model.layers[1] = {{{8, 1, {1}}, {8, 0, {0}}, {8, 0, {0}}, {8, 1, {2}}}, {}, {4, 1, 1, 1}, {0, 0, 0.5F, 1}};
  model.layers[2] = {{{8, 1, {1, 0, 0, 0}}, {8, 1, {0, 5, 1, 1}}, {8, 0, {0, 0, 0, 0}}, {8, 1, {0, 1, 0, 0}}},
                     {},
                     {4, 1, 1, 4},
                     {1, 0, 0, 0}};
  PackedLayer& fc = model.layers[4];
  fc.shape = {2, 2, 2, 4};
  for (int o = 0; o < 2; ++o) {
    fc.channels.push_back({8, 0.5F, {}});
    for (int k = 0; k < 16; ++k) fc.channels.back().integers.push_back(k % 4 == 0 ? 0 : k + 1 + o);
  }
  const PackedModel trimmed = trim(model, *backend);
  CHECK(trimmed.sets[1] == ChannelSet(4, {2, 3}));
  CHECK(trimmed.sets[2] == ChannelSet(4, {1}));
  CHECK(trimmed.layers[2].channels[0].integers == std::vector<std::int32_t>{1, 1});
  CHECK(trimmed.layers[4].shape == Shape({2, 2, 2, 1}));
  CHECK(distance(logits(*unpack(model, *backend)), logits(*unpack(trimmed, *backend))) < 1e-6);
}

TEST_CASE("a residual branch that died is dropped with its sum") {
  const auto backend = cpu_backend();
  Graph graph(residual_network(), *backend);
  graph.initialize(1);
  attach_quantizers(graph, CompressionOptions{});
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->name == "b.bits" || parameter->name == "b_norm.shift") backend->fill(parameter->value, 0.0F);
  }
  const std::vector<float> expected = logits(graph);
  const PackedModel model = pack(graph, "net", Dataset{}, exact);
  for (const LayerSpec& spec : model.network) CHECK((spec.name[0] != 'b' && spec.name != "sum"));
  CHECK(model.network.size() == 8);
  CHECK(distance(expected, logits(*unpack(model, *backend))) < 2e-6);
}

TEST_CASE("a network without a live path is an error that names gamma") {
  const auto backend = cpu_backend();
  Graph graph(residual_network(), *backend);
  graph.initialize(1);
  attach_quantizers(graph, CompressionOptions{});
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->name == "a.bits") backend->fill(parameter->value, 0.0F);
  }
  try {
    (void)pack(graph, "net", Dataset{}, exact);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::training);
    CHECK(std::string(error.what()).find("gamma") != std::string::npos);
  }
}

TEST_CASE("a model whose layers do not fit is an Error(checkpoint), never a crash") {
  const auto backend = cpu_backend();
  const auto kind = [&](const PackedModel& model) {
    try {
      (void)unpack(model, *backend);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::bug;
  };
  Graph graph(residual_network(), *backend);
  graph.initialize(1);
  const PackedModel good = pack(graph, "net", Dataset{}, exact);
  PackedModel model = good;
  std::get<Conv2dSpec>(model.network[1].options).kernel = {31, 31};
  CHECK(kind(model) == ErrorKind::checkpoint);
  model = good;
  std::get<InputSpec>(model.network[0].options).h += 2;
  CHECK(kind(model) == ErrorKind::checkpoint);
  model = good;
  model.sets[1] = ChannelSet(12, {0, 1});
  CHECK(kind(model) == ErrorKind::checkpoint);
}
