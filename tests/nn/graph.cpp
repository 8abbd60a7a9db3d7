#include "scnn/nn/graph.h"

#include <algorithm>

#include "catch.h"
#include "core/settings_error.h"
#include "network.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

namespace {

/// Every kind of layer and join in one small network; nothing in it has a kink that finite differences could cross.
NetworkBuilder everything() {
  NetworkBuilder net(3, 8, 8);
  net.layer("stem", NetworkBuilder::conv(8)).layer("stem_bn", BatchNormSpec{});
  net.layer("depthwise", NetworkBuilder::depthwise(16)).layer("depthwise_bn", BatchNormSpec{});
  net.layer("grouped", NetworkBuilder::conv(8, 4));
  net.layer("sum", AddSpec{}, {"grouped", "stem_bn"});
  PoolSpec average;
  average.kind = PoolKind::average;
  net.layer("pool", average);
  net.layer("wide", NetworkBuilder::conv(4));
  net.layer("both", ConcatSpec{}, {"wide", "pool"});
  net.layer("half", ScaleSpec{0.5F});
  net.layer("dropout", DropoutSpec{0.25F});
  net.layer("flatten", FlattenSpec{});
  net.layer("fc", LinearSpec{5, true});
  return net;
}

double weighted_sum(const Tensor& logits, const Tensor& weights) {
  double sum = 0;
  for (std::int64_t i = 0; i < logits.size(); ++i) {
    sum += static_cast<double>(logits.data<float>()[i]) * weights.data<float>()[i];
  }
  return sum;
}

}  // namespace

TEST_CASE("the gradient of a whole graph matches finite differences along random directions") {
  const auto backend = backend_for(Device{}, {1});
  Graph graph(everything().spec(), *backend);
  graph.initialize(3);
  const Tensor x = random_tensor({6, 8, 8, 3}, 1);
  const Tensor dlogits = random_tensor({6, 5}, 2);
  Pass pass;
  pass.mode = Mode::train;
  pass.step = 7;

  graph.forward(x, pass);
  graph.backward(dlogits, pass);
  for (Parameter* p : graph.parameters()) {
    if (!p->trainable) continue;
    INFO(p->name);
    const Tensor direction = random_tensor(p->value.shape(), 11);
    double slope = 0;
    for (std::int64_t i = 0; i < p->value.size(); ++i) {
      slope += static_cast<double>(p->gradient.data<float>()[i]) * direction.data<float>()[i];
    }
    const float h = 2e-3F;
    backend->accumulate(direction, h, p->value);
    const double up = weighted_sum(graph.forward(x, pass), dlogits);
    backend->accumulate(direction, -2 * h, p->value);
    const double down = weighted_sum(graph.forward(x, pass), dlogits);
    backend->accumulate(direction, h, p->value);
    CHECK((up - down) / (2 * h) == Approx(slope).epsilon(0.02).margin(0.02));
  }
}

TEST_CASE("a smaller batch gives the same logits as part of a larger one in evaluation") {
  const auto backend = backend_for(Device{}, {1});
  Graph graph(everything().spec(), *backend);
  graph.initialize(3);
  randomize_batch_norms(graph, 5);
  const Tensor x = random_tensor({6, 8, 8, 3}, 1);
  const std::vector<float> all = host_values(*backend, graph.forward(x, Pass{}));
  const std::vector<float> part = host_values(*backend, graph.forward(x.reshaped({2, 8, 8, 3}), Pass{}));
  for (std::size_t i = 0; i < part.size(); ++i) CHECK(part[i] == Approx(all[i]).margin(1e-5));
}

TEST_CASE("a relu fused into its batch-norm computes what a separate one computes") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 6, 6);
  net.layer("conv", NetworkBuilder::conv(4)).layer("bn", BatchNormSpec{}).layer("relu", ReluSpec{});
  net.layer("pool", global_average());
  NetworkBuilder apart(2, 6, 6);
  apart.layer("conv", NetworkBuilder::conv(4)).layer("bn", BatchNormSpec{}).layer("one", ScaleSpec{1.0F});
  apart.layer("relu", ReluSpec{}).layer("pool", global_average());
  Graph fused(net.spec(), *backend);
  Graph separate(apart.spec(), *backend);
  const Tensor x = random_tensor({3, 6, 6, 2}, 1);
  const Tensor dlogits = random_tensor({3, 4}, 2);
  for (const Mode mode : {Mode::train, Mode::evaluate}) {
    for (Graph* graph : {&fused, &separate}) {
      graph->initialize(1);
      randomize_batch_norms(*graph, 4);
    }
    Pass pass;
    pass.mode = mode;
    CHECK(host_values(*backend, fused.forward(x, pass)) == host_values(*backend, separate.forward(x, pass)));
    if (mode == Mode::evaluate) continue;
    fused.backward(dlogits, pass);
    separate.backward(dlogits, pass);
    for (const char* name : {"conv.weight", "bn.scale", "bn.shift"}) {
      CHECK(host_values(*backend, parameter(fused, name).gradient) ==
            host_values(*backend, parameter(separate, name).gradient));
    }
  }
}

TEST_CASE("a max pool that does its batch norm's work computes what separate layers compute") {
  const auto backend = backend_for(Device{}, {1});
  // `apart` puts a layer that changes nothing where the neighbours would join.
  using Build = void (*)(NetworkBuilder&, bool apart);
  PoolSpec pool;
  pool.kernel = {3, 3};
  pool.stride = {2, 2};
  pool.padding = Padding::same;
  static const PoolSpec max = pool;
  const std::pair<const char*, Build> surroundings[] = {
      {"relu between",
       [](NetworkBuilder& net, bool apart) {
         net.layer("conv", NetworkBuilder::conv(4)).layer("bn", BatchNormSpec{}).layer("relu", ReluSpec{});
         if (apart) net.layer("one", ScaleSpec{1.0F});
         net.layer("pool", max);
       }},
      {"no relu, behind the input",
       [](NetworkBuilder& net, bool apart) {
         net.layer("bn", BatchNormSpec{});
         if (apart) net.layer("one", ScaleSpec{1.0F});
         net.layer("pool", max).layer("conv", NetworkBuilder::conv(4));
       }},
      {"the batch norm has another reader",
       [](NetworkBuilder& net, bool apart) {
         net.layer("conv", NetworkBuilder::conv(4)).layer("bn", BatchNormSpec{}).layer("relu", ReluSpec{});
         if (apart) net.layer("one", ScaleSpec{1.0F});
         net.layer("pool", max).layer("other", max, {"bn"}).layer("sum", AddSpec{}, {"pool", "other"});
       }},
      {"the convolution has another reader",
       [](NetworkBuilder& net, bool apart) {
         net.layer("conv", NetworkBuilder::conv(4)).layer("bn", BatchNormSpec{}).layer("relu", ReluSpec{});
         if (apart) net.layer("one", ScaleSpec{1.0F});
         net.layer("pool", max).layer("other", max, {"conv"}).layer("sum", AddSpec{}, {"pool", "other"});
       }},
      {"the relu has another reader",
       [](NetworkBuilder& net, bool apart) {
         net.layer("conv", NetworkBuilder::conv(4)).layer("bn", BatchNormSpec{}).layer("relu", ReluSpec{});
         if (apart) net.layer("one", ScaleSpec{1.0F});
         net.layer("pool", max).layer("other", max, {"relu"}).layer("sum", AddSpec{}, {"pool", "other"});
       }},
  };
  for (const auto& [name, build] : surroundings) {
    INFO(name);
    const auto make = [&, build = build](bool apart) {
      NetworkBuilder net(2, 7, 6);
      build(net, apart);
      net.layer("average", global_average()).layer("fc", LinearSpec{3, true});
      return net;
    };
    Graph fused(make(false).spec(), *backend);
    Graph separate(make(true).spec(), *backend);
    const Tensor x = random_tensor({4, 7, 6, 2}, 1);
    const Tensor dlogits = random_tensor({4, 3}, 2);
    Pass pass;
    pass.mode = Mode::train;
    for (Graph* graph : {&fused, &separate}) {
      randomize_batch_norms(*graph, 4);
      for (Parameter* p : graph->parameters()) {  // the networks number their layers differently
        if (p->name.ends_with(".weight")) backend->copy(random_tensor(p->value.shape(), 5, 0.3F), p->value);
        if (p->name.ends_with(".shift")) backend->fill(p->value, -1);  // whole windows are cut by the relu
      }
    }
    const auto logits = [&](Graph& graph, const Pass& how) { return host_values(*backend, graph.forward(x, how)); };
    CHECK(logits(fused, Pass{}) == logits(separate, Pass{}));
    CHECK(logits(fused, pass) == logits(separate, pass));
    fused.backward(dlogits, pass);
    separate.backward(dlogits, pass);
    for (Parameter* p : fused.parameters()) {
      if (!p->trainable) continue;
      INFO(p->name);
      const std::vector<float> got = host_values(*backend, p->gradient);
      const std::vector<float> want = host_values(*backend, parameter(separate, p->name).gradient);
      for (std::size_t i = 0; i < want.size(); ++i) CHECK(got[i] == Approx(want[i]).margin(1e-6));
    }
    CHECK(logits(fused, Pass{}) == logits(separate, Pass{}));  // running statistics moved alike
  }
}

TEST_CASE("batch norms get the statistics of their own input, whether the convolution takes them or not") {
  const auto backend = backend_for(Device{}, {1});
  const auto network = [](bool apart) {
    NetworkBuilder net(2, 6, 6);
    net.layer("conv", NetworkBuilder::conv(4));
    if (apart) net.layer("one", ScaleSpec{1.0F});
    net.layer("bn", BatchNormSpec{}).layer("conv2", NetworkBuilder::conv(4));
    // Two readers: neither may leave its statistics to the convolution.
    net.layer("bn2", BatchNormSpec{}, {"conv2"}).layer("bn3", BatchNormSpec{}, {"conv2"});
    return net.layer("sum", AddSpec{}, {"bn2", "bn3"}).layer("pool", global_average());
  };
  Graph fused(network(false).spec(), *backend);
  Graph separate(network(true).spec(), *backend);
  const Tensor x = random_tensor({3, 6, 6, 2}, 1);
  Pass pass;
  pass.mode = Mode::train;
  pass.statistics_momentum = 0.25F;
  for (Graph* graph : {&fused, &separate}) {
    graph->initialize(1);
    set_values(*backend, host_values(*backend, parameter(fused, "conv.weight").value),
               parameter(*graph, "conv.weight").value);
    set_values(*backend, host_values(*backend, parameter(fused, "conv2.weight").value),
               parameter(*graph, "conv2.weight").value);
    (void)graph->forward(x, pass);
  }
  for (const char* norm : {"bn", "bn2", "bn3"}) {
    for (const char* what : {".running_mean", ".running_var"}) {
      CHECK(host_values(*backend, parameter(fused, std::string(norm) + what).value) ==
            host_values(*backend, parameter(separate, std::string(norm) + what).value));
    }
  }
  CHECK(host_values(*backend, parameter(fused, "bn2.running_var").value) ==
        host_values(*backend, parameter(fused, "bn3.running_var").value));
}

TEST_CASE("shapes that cannot be are refused with the layer, the reason and the place") {
  const auto backend = backend_for(Device{}, {1});
  const auto message = [&](const NetworkBuilder& net) {
    try {
      const Graph graph(net.spec(), *backend);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::experiment);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  NetworkBuilder deep(1, 4, 4);
  Conv2dSpec large = NetworkBuilder::conv(2);
  large.kernel = {7, 7};
  large.padding = Padding::valid;
  CHECK_THAT(message(deep.layer("c", large)),
             Contains("layer 'c' (conv2d)") && Contains("does not fit the height of 4"));
  NetworkBuilder unflattened(1, 4, 4);
  CHECK_THAT(message(unflattened.layer("fc", LinearSpec{2, true})), Contains("put a flatten"));
  NetworkBuilder grouped(3, 4, 4);
  CHECK_THAT(message(grouped.layer("g", NetworkBuilder::conv(4, 2))), Contains("must divide"));
  NetworkBuilder sum(3, 4, 4);
  sum.layer("a", NetworkBuilder::conv(4)).layer("s", AddSpec{}, {"a", "input"});
  CHECK_THAT(message(sum), Contains("differ in channels") && Contains("projection"));
  NetworkBuilder even(1, 4, 4);
  Conv2dSpec two = NetworkBuilder::conv(2);
  two.kernel = {2, 2};
  CHECK_THAT(message(even.layer("c", two)), Contains("odd effective kernel"));
  NetworkBuilder open(1, 4, 4);
  CHECK_THAT(message(open.layer("c", NetworkBuilder::conv(2))), Contains("one number for each class"));
  NetworkBuilder flat(1, 4, 4);
  flat.layer("f", FlattenSpec{}).layer("bn", BatchNormSpec{});
  CHECK_THAT(message(flat), Contains("before flatten"));
  // More than a model file holds: refused before memory is taken.
  NetworkBuilder huge(1, 1, 1);
  CHECK_THAT(message(huge.layer("a", LinearSpec{65535, true}).layer("b", LinearSpec{65535, true})),
             Contains("layer 'b' (linear) has 4294836225 weights, the limit is 268435456: lower out"));
  NetworkBuilder wide(1, 1, 1);
  wide.layer("a", LinearSpec{60000, true}).layer("c", ConcatSpec{}, {"a", "a"});
  CHECK_THAT(message(wide), Contains("layer 'c' (concat) makes more than 65535 channels"));
}

TEST_CASE("all wrong shapes are listed at once, but not what only stands behind one") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(3, 4, 4);
  net.layer("a", NetworkBuilder::conv(4, 2)).layer("behind", ReluSpec{});
  net.layer("b", LinearSpec{2, true}, {"input"}).layer("c", NetworkBuilder::conv(2), {"input"});
  try {
    const Graph graph(net.spec(), *backend);
    FAIL("no error");
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK_THAT(text, Contains("layer 'a' (conv2d)") && Contains("\nlayer 'b' (linear)") &&
                         Contains("\nlayer 'c' (conv2d) ends"));
    CHECK(text.find("behind") == std::string::npos);
    const auto* mistakes = dynamic_cast<const SettingsError*>(&error);
    REQUIRE(mistakes != nullptr);
    REQUIRE(mistakes->mistakes().size() == 3);
    CHECK(mistakes->mistakes()[1].layer == 3);
    CHECK(mistakes->mistakes()[1].setting.empty());
    CHECK_THAT(mistakes->mistakes()[1].message, Contains("layer 'b' (linear) reads a vector"));
  }
}

TEST_CASE("multiply-adds and extents follow stride, padding and dilation") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(3, 9, 7);
  Conv2dSpec spec;
  spec.out = 4;
  spec.kernel = {3, 5};
  spec.stride = {2, 1};
  spec.dilation = {2, 1};
  spec.pad = {1, 2};
  net.layer("c", spec).layer("p", global_average());
  Graph graph(net.spec(), *backend);
  const Edge& edge = node(graph, "c").edge;
  CHECK(edge.h == 4);  // (9 + 2 - 5) / 2 + 1
  CHECK(edge.w == 7);  // 7 + 4 - 5 + 1
  CHECK(graph.macs() == 4 * 7 * 3 * 5 * 3 * 4);
}

TEST_CASE("initial weights are uniform in 1 / sqrt(fan-in) and the same for the same seed") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(3, 4, 4);
  net.layer("c", NetworkBuilder::conv(16)).layer("p", global_average());
  Graph a(net.spec(), *backend);
  Graph b(net.spec(), *backend);
  a.initialize(1);
  b.initialize(1);
  const std::vector<float> values = host_values(*backend, parameter(a, "c.weight").value);
  CHECK(values == host_values(*backend, parameter(b, "c.weight").value));
  b.initialize(2);
  CHECK(values != host_values(*backend, parameter(b, "c.weight").value));
  const float bound = 1.0F / std::sqrt(27.0F);
  CHECK(*std::ranges::max_element(values) <= bound);
  CHECK(*std::ranges::max_element(values) > 0.9F * bound);
  CHECK(*std::ranges::min_element(values) < -0.9F * bound);
}
