#include "scnn/compress/removal.h"

#include <algorithm>

#include "catch.h"
#include "network.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

namespace {

/// A graph with quantizers, random batch-norms, and a probe batch.
struct Subject {
  explicit Subject(const NetworkBuilder& net) : backend(backend_for(Device{}, {1})), graph(net.spec(), *backend) {
    graph.initialize(1);
    attach_quantizers(graph, CompressionOptions{});
    randomize_batch_norms(graph, 3);
    const Edge& in = graph.nodes().front().edge;
    probe = random_tensor({8, in.h, in.w, graph.sets()[in.set].size()}, 4);
  }
  void kill(const std::string& layer, const std::vector<std::size_t>& channels) {
    Parameter& bits = parameter(graph, layer + ".bits");
    for (const std::size_t c : channels) bits.value.data<float>()[c] = 0.0F;
  }
  void set(const std::string& name, std::size_t element, float value) {
    parameter(graph, name).value.data<float>()[element] = value;
  }
  /// What `steps` updates do to the parameters that are being pulled.
  void pull(int steps) {
    for (int i = 0; i < steps; ++i) {
      for (Parameter* p : graph.parameters()) {
        if (!p->pull.defined()) continue;
        UpdateRule rule;
        rule.pull = &p->pull;
        Tensor velocity = backend->allocate(p->value.shape());
        Tensor gradient = backend->allocate(p->value.shape());
        backend->sgd(SgdStep{}, rule, gradient, velocity, p->value);
      }
    }
  }
  std::unique_ptr<Backend> backend;
  Graph graph;
  Tensor probe;
};

NetworkBuilder chain() {
  NetworkBuilder net(2, 6, 6);
  net.conv_bn_relu("a", 6).conv_bn_relu("b", 5).layer("f", FlattenSpec{}).layer("fc", LinearSpec{3, true});
  return net;
}

}  // namespace

TEST_CASE("a dead channel with a positive shift is pulled to exactly 0 and then removed") {
  Subject s(chain());
  s.kill("a", {1, 4});
  s.set("a_bn.shift", 1, 0.3F);
  s.set("a_bn.shift", 4, 0.7F);
  freeze_constants(s.graph, 10);
  CHECK(parameter(s.graph, "a_bn.frozen").value.data<float>()[1] == 1.0F);
  CHECK(parameter(s.graph, "a_bn.running_var").value.data<float>()[1] == 0.0F);
  CHECK(remove_channels(s.graph, s.probe).layers.empty());  // its constant still reaches b
  s.pull(9);
  CHECK(parameter(s.graph, "a_bn.shift").value.data<float>()[1] > 0.0F);
  s.pull(1);
  CHECK(parameter(s.graph, "a_bn.shift").value.data<float>()[1] == 0.0F);
  const RemovalResult result = remove_channels(s.graph, s.probe);
  REQUIRE(result.layers.size() == 1);
  CHECK(result.layers[0].layer == "a");
  CHECK(result.layers[0].channels == 2);
  CHECK(result.max_diff < 1e-5);
  CHECK(parameter(s.graph, "b.weight").value.shape() == Shape({5, 3, 3, 4}));
  CHECK(parameter(s.graph, "a_bn.shift").pull.shape() == Shape({4}));
}

TEST_CASE("behind a relu a shift of at most 0 lets a dead channel go at once") {
  Subject s(chain());
  s.kill("b", {0});
  s.set("b_bn.shift", 0, -0.2F);
  freeze_constants(s.graph, 10);
  const RemovalResult result = remove_channels(s.graph, s.probe);
  REQUIRE(result.layers.size() == 1);
  CHECK(parameter(s.graph, "fc.weight").value.shape() == Shape({3, 6, 6, 4}));
}

TEST_CASE("a channel that comes back to life is released") {
  Subject s(chain());
  s.kill("a", {1});
  s.set("a_bn.shift", 1, 0.5F);
  freeze_constants(s.graph, 10);
  s.set("a.bits", 1, 2.0F);
  freeze_constants(s.graph, 10);
  CHECK(parameter(s.graph, "a_bn.frozen").value.data<float>()[1] == 0.0F);
  CHECK(parameter(s.graph, "a_bn.shift").pull.data<float>()[1] == 0.0F);
}

TEST_CASE("a convolution's bias without a batch-norm is pulled to 0 before its channel goes") {
  NetworkBuilder net(2, 6, 6);
  Conv2dSpec biased = NetworkBuilder::conv(4);
  biased.bias = true;
  net.layer("a", biased).layer("b", NetworkBuilder::conv(3)).layer("p", global_average());
  Subject s(net);
  s.kill("a", {2});
  s.set("a.bias", 2, -0.4F);
  freeze_constants(s.graph, 4);
  CHECK(remove_channels(s.graph, s.probe).layers.empty());
  s.pull(4);
  freeze_constants(s.graph, 4);
  CHECK(remove_channels(s.graph, s.probe).layers.size() == 1);
}

TEST_CASE(
    "random_channel_subset keeps a share of the multiply-adds, groups with their inputs, and all that the logits "
    "need") {
  NetworkBuilder net(2, 6, 6);
  net.conv_bn_relu("stem", 16).conv_bn_relu("x", 16).layer("s", AddSpec{}, {"x_relu", "stem_relu"});
  net.layer("deep", NetworkBuilder::depthwise(32)).layer("c", NetworkBuilder::conv(24));
  net.layer("p", global_average()).layer("fc", LinearSpec{3, true}).layer("half", ScaleSpec{0.5F});
  for (const double share : {0.7, 0.3, 1e-9}) {
    Subject s(net);
    const auto whole = static_cast<double>(s.graph.macs());
    const std::vector<ChannelSet> left = random_channel_subset(s.graph, share, 7);
    CHECK(left == random_channel_subset(s.graph, share, 7));
    CHECK(left != random_channel_subset(s.graph, share, 8));
    s.graph.restrict_to(left);
    const auto now = static_cast<double>(s.graph.macs());
    if (share > 0.1) {
      CHECK(now <= share * whole);
      CHECK(now >= 0.6 * share * whole);
    }
    CHECK(live_channels(s.graph, "fc") == 3);
    CHECK(live_channels(s.graph, "c") >= 1);
    CHECK(live_channels(s.graph, "deep") == 2 * live_channels(s.graph, "s"));
    CHECK(live_channels(s.graph, "s") >= live_channels(s.graph, "x"));
    CHECK(s.graph.connected());
    CHECK(s.graph.forward(s.probe, Pass{}).shape() == Shape({8, 3}));
  }
}

TEST_CASE("what reaches a sum decides, not one side's bits") {
  NetworkBuilder net(2, 6, 6);
  net.conv_bn_relu("stem", 4).conv_bn_relu("x", 4).layer("s", AddSpec{}, {"x_relu", "stem_relu"});
  net.layer("s_bn", BatchNormSpec{}).layer("c", NetworkBuilder::conv(3)).layer("p", global_average());
  Subject s(net);
  for (const std::size_t c : {0U, 1U, 2U, 3U}) {
    s.set("x_bn.shift", c, -0.1F);
    s.set("stem_bn.shift", c, -0.1F);
    s.set("s_bn.shift", c, 0.2F);
  }
  s.kill("x", {0, 1});
  freeze_constants(s.graph, 1);
  remove_channels(s.graph, s.probe);
  CHECK(live_channels(s.graph, "x") == 2);
  CHECK(live_channels(s.graph, "stem") == 4);
  CHECK(live_channels(s.graph, "s") == 4);

  // Channel 1 now dies on the other side too: it is 0 before the batch-norm behind the sum, and its shift after it.
  s.kill("stem", {1});
  freeze_constants(s.graph, 1);
  remove_channels(s.graph, s.probe);
  CHECK(live_channels(s.graph, "stem") == 3);
  CHECK(live_channels(s.graph, "s") == 4);  // the shift behind the sum still reaches c
  freeze_constants(s.graph, 1);
  s.pull(1);
  CHECK(remove_channels(s.graph, s.probe).max_diff < 1e-5);
  CHECK(live_channels(s.graph, "s") == 3);
}

TEST_CASE("a residual branch that dies is dropped and the rest goes on") {
  NetworkBuilder net(2, 6, 6);
  net.conv_bn_relu("stem", 4).conv_bn_relu("x", 8).conv_bn_relu("y", 4).layer("s", AddSpec{}, {"y_relu", "stem_relu"});
  net.layer("p", global_average());
  Subject s(net);
  s.kill("y", {0, 1, 2, 3});
  freeze_constants(s.graph, 1);
  s.pull(1);
  const RemovalResult result = remove_channels(s.graph, s.probe);
  CHECK(result.layers.size() == 2);  // y, and x that only y read
  CHECK_FALSE(node(s.graph, "x").live);
  CHECK(result.max_diff < 1e-5);
}

TEST_CASE("in a depthwise layer a dead input is a dead output and the reverse") {
  NetworkBuilder net(2, 6, 6);
  net.conv_bn_relu("a", 4)
      .layer("d", NetworkBuilder::depthwise(4))
      .layer("d_bn", BatchNormSpec{})
      .layer("d_relu", ReluSpec{});
  net.layer("c", NetworkBuilder::conv(3)).layer("p", global_average());
  Subject s(net);
  s.kill("a", {0});
  s.kill("d", {3});
  for (int round = 0; round < 3; ++round) {
    freeze_constants(s.graph, 1);
    s.pull(1);
    CHECK(remove_channels(s.graph, s.probe).max_diff < 1e-5);
  }
  CHECK(live_channels(s.graph, "d") == 2);
  CHECK(live_channels(s.graph, "a") == 2);
}

TEST_CASE("a group's outputs leave together") {
  NetworkBuilder net(2, 6, 6);
  net.conv_bn_relu("a", 4)
      .layer("g", NetworkBuilder::conv(4, 2))
      .layer("c", NetworkBuilder::conv(3))
      .layer("p", global_average());
  Subject s(net);
  s.kill("g", {0});
  freeze_constants(s.graph, 1);
  CHECK(remove_channels(s.graph, s.probe).layers.empty());
  s.kill("g", {1});
  freeze_constants(s.graph, 1);
  CHECK(remove_channels(s.graph, s.probe).max_diff < 1e-5);
  CHECK(live_channels(s.graph, "g") == 2);
  CHECK(live_channels(s.graph, "a") == 2);
}

TEST_CASE("concatenated channels leave from the side that made them") {
  NetworkBuilder net(2, 6, 6);
  net.conv_bn_relu("a", 3).conv_bn_relu("b", 3, {"input"}).layer("cat", ConcatSpec{}, {"a_relu", "b_relu"});
  net.layer("c", NetworkBuilder::conv(3)).layer("p", global_average());
  Subject s(net);
  s.kill("b", {1});
  freeze_constants(s.graph, 1);
  s.pull(1);
  CHECK(remove_channels(s.graph, s.probe).max_diff < 1e-5);
  const auto live = s.graph.sets()[node(s.graph, "cat").edge.set].live();
  CHECK(std::vector<std::int32_t>(live.begin(), live.end()) == std::vector<std::int32_t>{0, 1, 2, 3, 5});
}

TEST_CASE("a network that lost every path names gamma") {
  Subject s(chain());
  s.kill("a", {0, 1, 2, 3, 4, 5});
  freeze_constants(s.graph, 1);
  s.pull(1);
  CHECK_THROWS_WITH(
      [&] {
        for (int i = 0; i < 4; ++i) {
          remove_channels(s.graph, s.probe);
          freeze_constants(s.graph, 1);
          s.pull(1);
        }
      }(),
      Contains("no live path") && Contains("compression.gamma"));
}

TEST_CASE("the output layer keeps every class") {
  Subject s(chain());
  s.kill("fc", {1});
  s.set("fc.bias", 1, 0.0F);
  freeze_constants(s.graph, 1);
  CHECK(remove_channels(s.graph, s.probe).layers.empty());
}

TEST_CASE("logits that all became constants are no live path either") {
  Subject s(chain());
  s.kill("fc", {0, 1, 2});
  CHECK_THROWS_WITH(remove_channels(s.graph, s.probe), Contains("no live path"));
}
