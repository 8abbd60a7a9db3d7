// Constants propagated forward, and who reads what: the facts that removal rests on.

#include "catch.h"
#include "network.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/conv2d.h"
#include "nn/layers/join.h"
#include "nn/layers/linear.h"
#include "nn/layers/simple.h"
#include "nn/layers/weighted.h"
#include "scnn/nn/layer.h"

using namespace scnn;
using namespace scnn::test;

namespace {

struct Subject {
  explicit Subject(const NetworkBuilder& net) : backend(backend_for(Device{}, {1})), graph(net.spec(), *backend) {
    graph.initialize(1);
  }
  void clear_row(const std::string& name, std::int64_t row) {
    Tensor& value = parameter(graph, name).value;
    const std::int64_t size = value.size() / value.shape()[0];
    std::fill_n(value.data<float>() + row * size, size, 0.0F);
  }
  void set(const std::string& name, std::size_t element, float value) {
    parameter(graph, name).value.data<float>()[element] = value;
  }
  ChannelState state(const std::string& name, std::size_t channel) {
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
      if (graph.nodes()[i].spec.name == name) return graph.states()[i].at(channel);
    }
    throw Error(ErrorKind::bug, "no node " + name);
  }
  std::unique_ptr<Backend> backend;
  Graph graph;
};

}  // namespace

TEST_CASE("a channel without weights is its bias, and batch-norm, relu and scale carry the constant on") {
  NetworkBuilder net(2, 4, 4);
  Conv2dSpec conv = NetworkBuilder::conv(3);
  conv.bias = true;
  net.layer("c", conv).layer("bn", BatchNormSpec{}).layer("r", ReluSpec{}).layer("s", ScaleSpec{3.0F});
  net.layer("p", global_average());
  Subject s(net);
  s.clear_row("c.weight", 1);
  s.set("c.bias", 1, 0.5F);
  s.set("bn.running_mean", 1, 0.1F);
  s.set("bn.running_var", 1, 4.0F);
  s.set("bn.scale", 1, 2.0F);
  s.set("bn.shift", 1, 0.25F);
  CHECK_FALSE(s.state("c", 0).constant);
  CHECK(s.state("c", 1).constant);
  CHECK(s.state("c", 1).value == 0.5F);
  const double normed = 2.0 * (0.5 - 0.1) / std::sqrt(4.0 + 1e-5) + 0.25;
  CHECK(s.state("bn", 1).value == Approx(normed));
  CHECK(s.state("p", 1).value == Approx(3 * normed));
  s.set("bn.shift", 1, -2.0F);
  CHECK(s.state("r", 1).zero());
  // What the states say is what evaluation computes.
  const std::vector<float> logits = host_values(*s.backend, s.graph.forward(random_tensor({2, 4, 4, 2}, 1), Pass{}));
  CHECK(logits[1] == 0.0F);
  CHECK(logits[4] == 0.0F);
}

TEST_CASE("a layer that reads only zeros is constant; one that reads another constant is not called so") {
  NetworkBuilder net(1, 4, 4);
  Conv2dSpec conv = NetworkBuilder::conv(2);
  conv.bias = true;
  net.layer("a", conv).layer("b", NetworkBuilder::conv(2)).layer("f", FlattenSpec{}).layer("fc", LinearSpec{2, true});
  Subject s(net);
  for (const std::int64_t row : {0, 1}) {
    s.clear_row("a.weight", row);
    s.set("a.bias", static_cast<std::size_t>(row), 0.0F);
  }
  CHECK(s.state("b", 0).zero());
  CHECK(s.state("fc", 0).constant);
  CHECK(s.state("fc", 0).value == parameter(s.graph, "fc.bias").value.data<float>()[0]);
  s.set("a.bias", 0, 1.0F);
  CHECK_FALSE(s.state("b", 0).constant);  // zero padding makes the border differ
}

TEST_CASE("a sum of constants is constant, and a concatenation keeps each side's") {
  NetworkBuilder net(1, 4, 4);
  Conv2dSpec conv = NetworkBuilder::conv(2);
  conv.bias = true;
  net.layer("a", conv)
      .layer("b", conv, {"input"})
      .layer("s", AddSpec{}, {"a", "b"})
      .layer("k", ConcatSpec{}, {"a", "b"});
  net.layer("c", NetworkBuilder::conv(2)).layer("d", NetworkBuilder::conv(2), {"s"}).layer("t", AddSpec{}, {"c", "d"});
  net.layer("p", global_average());
  Subject s(net);
  s.clear_row("a.weight", 0);
  s.clear_row("b.weight", 0);
  s.clear_row("b.weight", 1);
  s.set("a.bias", 0, 0.5F);
  s.set("b.bias", 0, -0.25F);
  CHECK(s.state("s", 0).constant);
  CHECK(s.state("s", 0).value == 0.25F);
  CHECK_FALSE(s.state("s", 1).constant);
  CHECK(s.state("k", 0).value == 0.5F);
  CHECK_FALSE(s.state("k", 1).constant);
  CHECK(s.state("k", 2).value == -0.25F);
  CHECK(node(s.graph, "k").layer->placed(1, s.graph.sets()) == ChannelSet(4, {2, 3}));
  CHECK_FALSE(node(s.graph, "p").layer->placed(0, s.graph.sets()).has_value());
  CHECK_FALSE(node(s.graph, "p").layer->drop_input(0));
}

TEST_CASE("grouped layers read the inputs of their live groups only") {
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(4)).layer("g", NetworkBuilder::conv(4, 2)).layer("c", NetworkBuilder::conv(2));
  net.layer("p", global_average());
  Subject s(net);
  SetTable sets = s.graph.sets();
  const SetId out = node(s.graph, "g").edge.set;
  sets.entries[static_cast<std::size_t>(out)].channels = ChannelSet(4, {2, 3});
  const Layer& grouped = *node(s.graph, "g").layer;
  CHECK_FALSE(grouped.reads(0, 1, sets));
  CHECK(grouped.reads(0, 2, sets));
  CHECK_FALSE(grouped.passes_channels());
  CHECK(node(s.graph, "p").layer->passes_channels());
}

TEST_CASE("a frozen batch-norm gives exactly its shift") {
  NetworkBuilder net(1, 4, 4);
  net.layer("c", NetworkBuilder::conv(2)).layer("bn", BatchNormSpec{}).layer("p", global_average());
  Subject s(net);
  Layer& norm = *node(s.graph, "bn").layer;
  s.set("bn.shift", 0, 0.3F);
  CHECK(norm.freeze({{true, 0.7F}, {false, 0}}, 3, *s.backend));
  CHECK_FALSE(norm.freeze({{true, 0.7F}, {false, 0}}, 3, *s.backend));
  const AffineTerms terms = norm.affine_terms(*s.backend).value();
  CHECK(terms.a[0] == 0.0F);
  CHECK(terms.c[0] == 0.3F);
  CHECK(parameter(s.graph, "bn.running_mean").value.data<float>()[0] == 0.7F);
  CHECK(parameter(s.graph, "bn.shift").pull.data<float>()[0] * 3 >= 0.3F);
  CHECK(parameter(s.graph, "bn.shift").pull.data<float>()[1] == 0.0F);
}

TEST_CASE("an affine layer with a = 0 is constant whatever it reads") {
  NetworkBuilder net(2, 1, 1);
  net.layer("y", AffineSpec{});
  Subject s(net);
  s.set("y.a", 0, 0.0F);
  s.set("y.c", 0, 0.5F);
  s.set("y.a", 1, 2.0F);
  CHECK(s.state("y", 0).value == 0.5F);
  CHECK_FALSE(s.state("y", 1).constant);
  const std::vector<float> logits = host_values(*s.backend, s.graph.forward(random_tensor({1, 1, 1, 2}, 1), Pass{}));
  CHECK(logits[0] == 0.5F);
}
