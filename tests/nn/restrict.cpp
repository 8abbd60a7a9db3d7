#include "catch.h"
#include "network.h"

using namespace scnn;
using namespace scnn::test;

namespace {

/// Every set of `graph`, with `channels` taken out of the one that `layer` makes.
std::vector<ChannelSet> without(Graph& graph, const std::string& layer, const std::vector<std::int32_t>& gone) {
  std::vector<ChannelSet> sets;
  for (const SetTable::Entry& entry : graph.sets().entries) {
    std::vector<std::int32_t> left;
    for (const std::int32_t channel : entry.channels.live()) {
      const bool here = graph.nodes()[static_cast<std::size_t>(entry.node)].spec.name == layer;
      if (!here || std::find(gone.begin(), gone.end(), channel) == gone.end()) left.push_back(channel);
    }
    sets.emplace_back(entry.channels.original(), left);
  }
  return sets;
}

/// Sets rows of a parameter to 0 and restricts: the logits must not notice.
void check_same_function(Graph& graph, const Tensor& x, const std::string& layer,
                         const std::vector<std::int32_t>& gone) {
  Backend& backend = graph.backend();
  const std::vector<float> before = host_values(backend, graph.forward(x, Pass{}));
  graph.restrict_to(without(graph, layer, gone));
  const std::vector<float> after = host_values(backend, graph.forward(x, Pass{}));
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i] == Approx(before[i]).margin(1e-5));
}

void clear_rows(Graph& graph, const std::string& name, const std::vector<std::int32_t>& rows) {
  Tensor& value = parameter(graph, name).value;
  const std::int64_t row = value.size() / value.shape()[0];
  for (const std::int32_t r : rows) std::fill_n(value.data<float>() + r * row, row, 0.0F);
}

}  // namespace

TEST_CASE("channels that are 0 leave a chain with a flatten without a trace, slots included") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(6))
      .layer("r", ReluSpec{})
      .layer("f", FlattenSpec{})
      .layer("fc", LinearSpec{3, true});
  Graph graph(net.spec(), *backend);
  graph.initialize(1);
  clear_rows(graph, "a.weight", {1, 4});
  Parameter& fc = parameter(graph, "fc.weight");
  fc.slots = {random_tensor(fc.value.shape(), 9)};
  const std::vector<float> slot = host_values(*backend, fc.slots[0]);
  check_same_function(graph, random_tensor({3, 4, 4, 2}, 2), "a", {1, 4});
  CHECK(fc.value.shape() == Shape({3, 4, 4, 4}));
  CHECK(fc.gradient.shape() == fc.value.shape());
  REQUIRE(fc.slots[0].shape() == fc.value.shape());
  // Live column 1 was column 2; place (row 0, h 1, w 2).
  CHECK(fc.slots[0].data<float>()[(1 * 4 + 2) * 4 + 1] == slot[(1 * 4 + 2) * 6 + 2]);
}

TEST_CASE("the two sides of a sum may lose different channels") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(6))
      .layer("b", NetworkBuilder::conv(6), {"input"})
      .layer("s", AddSpec{}, {"a", "b"});
  net.layer("c", NetworkBuilder::conv(3)).layer("p", global_average());
  Graph graph(net.spec(), *backend);
  graph.initialize(1);
  clear_rows(graph, "a.weight", {0, 1});
  clear_rows(graph, "b.weight", {1, 5});
  const Tensor x = random_tensor({3, 4, 4, 2}, 2);
  check_same_function(graph, x, "a", {0, 1});
  check_same_function(graph, x, "b", {1, 5});
  check_same_function(graph, x, "s", {1});
  CHECK(live_channels(graph, "s") == 5);
  CHECK(parameter(graph, "c.weight").value.shape() == Shape({3, 3, 3, 5}));
  // Gradients flow through the maps: a step must not throw and must fill every gradient.
  Pass pass;
  pass.mode = Mode::train;
  graph.forward(x, pass);
  graph.backward(random_tensor({3, 3}, 3), pass);
  CHECK(backend->sum_of_squares(parameter(graph, "a.weight").gradient) > 0);
  CHECK(backend->sum_of_squares(parameter(graph, "b.weight").gradient) > 0);
}

TEST_CASE("a branch whose last layer lost everything is dropped") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("stem", NetworkBuilder::conv(4)).layer("a", NetworkBuilder::conv(8)).layer("b", NetworkBuilder::conv(4));
  net.layer("s", AddSpec{}, {"b", "stem"}).layer("p", global_average());
  Graph graph(net.spec(), *backend);
  graph.initialize(1);
  clear_rows(graph, "b.weight", {0, 1, 2, 3});
  check_same_function(graph, random_tensor({3, 4, 4, 2}, 2), "b", {0, 1, 2, 3});
  CHECK_FALSE(node(graph, "a").live);
  CHECK_FALSE(node(graph, "b").live);
  CHECK(graph.connected());
  CHECK(parameter(graph, "a.weight").value.size() == 0);
  CHECK(graph.macs() == 4 * 4 * 9 * 2 * 4);
}

TEST_CASE("a grouped layer loses whole groups and reads zeros for inputs that have gone") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(6)).layer("g", NetworkBuilder::conv(6, 3)).layer("p", global_average());
  Graph graph(net.spec(), *backend);
  graph.initialize(1);
  const Tensor x = random_tensor({3, 4, 4, 2}, 2);
  clear_rows(graph, "a.weight", {0, 3});
  check_same_function(graph, x, "a", {0, 3});
  CHECK(parameter(graph, "g.weight").value.shape() == Shape({6, 3, 3, 2}));

  NetworkBuilder deep(2, 4, 4);
  deep.layer("a", NetworkBuilder::conv(6))
      .layer("d", NetworkBuilder::depthwise(12))
      .layer("c", NetworkBuilder::conv(3));
  deep.layer("p", global_average());
  Graph depthwise(deep.spec(), *backend);
  depthwise.initialize(1);
  clear_rows(depthwise, "d.weight", {4, 5});
  check_same_function(depthwise, x, "d", {4, 5});
  check_same_function(depthwise, x, "a", {2});  // now read by nobody
  CHECK(parameter(depthwise, "d.weight").value.shape() == Shape({10, 3, 3, 1}));
}

TEST_CASE("a network cut in two is no longer connected") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(2)).layer("b", NetworkBuilder::conv(2)).layer("p", global_average());
  Graph graph(net.spec(), *backend);
  const std::int64_t plans = graph.plans();
  graph.restrict_to(without(graph, "a", {0, 1}));
  CHECK(graph.plans() != plans);  // what was recorded with the old memory is void
  CHECK_FALSE(graph.connected());
}
