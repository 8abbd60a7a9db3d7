#include "scnn/compress/size_loss.h"

#include "catch.h"
#include "network.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;

namespace {

std::unique_ptr<Graph> quantized(const NetworkBuilder& net, Backend& backend) {
  auto graph = std::make_unique<Graph>(net.spec(), backend);
  graph->initialize(1);
  attach_quantizers(*graph, CompressionOptions{});
  return graph;
}

void set_bits(Graph& graph, const std::string& layer, const std::vector<float>& bits) {
  set_values(graph.backend(), bits, parameter(graph, layer + ".bits").value);
}

double credit(Graph& graph, SizeLoss& loss, const std::string& layer, std::size_t channel) {
  const auto credits = loss.credits();
  const std::vector<int> weighted = graph.weighted_nodes();
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    if (graph.nodes()[static_cast<std::size_t>(weighted[i])].spec.name == layer) return credits[i][channel];
  }
  throw Error(ErrorKind::bug, "no layer " + layer);
}

/// Weights that a chain a (3x3) -> b (3x3) -> flatten 4x4 -> fc really holds: both ends live.
double chain_weights(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& fc) {
  const auto live = [](const std::vector<float>& bits) {
    return std::ranges::count_if(bits, [](float v) { return v > 0; });
  };
  return static_cast<double>(9 * 2 * live(a) + 9 * live(a) * live(b) + 16 * live(b) * live(fc));
}

}  // namespace

TEST_CASE("in a chain a channel's credit is the number of weights that go with it") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(4))
      .layer("bn", BatchNormSpec{})
      .layer("r", ReluSpec{})
      .layer("b", NetworkBuilder::conv(5));
  net.layer("f", FlattenSpec{}).layer("fc", LinearSpec{3, false});
  const auto graph = quantized(net, *backend);
  SizeLoss loss(*graph, SizeLossForm::live_inputs, false, 1000);
  const std::vector<float> a = {3, 0, 1.5F, 8};
  const std::vector<float> b = {2, 0, 0, 4, 1};
  const std::vector<float> fc = {1, 2, 3};
  set_bits(*graph, "a", a);
  set_bits(*graph, "b", b);
  set_bits(*graph, "fc", fc);
  const double all = chain_weights(a, b, fc);
  for (const std::size_t channel : {0U, 2U, 3U}) {
    std::vector<float> less = a;
    less[channel] = 0;
    CHECK(credit(*graph, loss, "a", channel) == all - chain_weights(less, b, fc));
  }
  for (const std::size_t channel : {0U, 3U, 4U}) {
    std::vector<float> less = b;
    less[channel] = 0;
    CHECK(credit(*graph, loss, "b", channel) == all - chain_weights(a, less, fc));
  }

  // Q and its gradient, by hand: layer a's own weights 2 * 9, its columns in b 9 * 3, and so on.
  const double q = ((3 + 1.5 + 8) * (18 + 27) + (2 + 4 + 1) * (27 + 48) + 6.0 * 48) / 1000;
  CHECK(loss.value() == Approx(q));
  Parameter& bits = parameter(*graph, "a.bits");
  backend->fill(bits.gradient, 0.5F);
  loss.backward(0.1);
  CHECK(bits.gradient.data<float>()[0] == Approx(0.5 + 0.1 * 45 / 1000));
  CHECK(bits.gradient.data<float>()[1] == 0.5F);  // dead: frozen
}

TEST_CASE("slopes follow the channels that die and revive, whatever was sent before") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(2)).layer("f", FlattenSpec{}).layer("fc", LinearSpec{3, false});
  const auto graph = quantized(net, *backend);
  SizeLoss loss(*graph, SizeLossForm::live_inputs, false, 1000);
  const auto slopes = [&](const std::vector<float>& fc) {
    set_bits(*graph, "fc", fc);
    loss.value();
    Parameter& bits = parameter(*graph, "a.bits");
    backend->fill(bits.gradient, 0.0F);
    loss.backward(1.0);
    return host_values(*backend, bits.gradient);
  };
  const auto want = [](int live) { return std::vector<float>(2, static_cast<float>((18 + 16 * live) / 1000.0)); };
  CHECK(slopes({1, 2, 3}) == want(3));
  CHECK(slopes({2, 1, 4}) == want(3));
  CHECK(slopes({1, 0, 3}) == want(2));
  CHECK(slopes({1, 1, 3}) == want(3));
}

TEST_CASE("own_inputs counts a layer's own weights alone (eq. 4)") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(4)).layer("f", FlattenSpec{}).layer("fc", LinearSpec{3, false});
  const auto graph = quantized(net, *backend);
  SizeLoss loss(*graph, SizeLossForm::own_inputs, false, 100);
  set_bits(*graph, "a", {3, 0, 1, 2});
  set_bits(*graph, "fc", {1, 2, 3});
  CHECK(credit(*graph, loss, "a", 0) == 18);
  CHECK(credit(*graph, loss, "fc", 0) == 64);  // all four inputs, live or not
  CHECK(loss.value() == Approx((6 * 18 + 6 * 64) / 100.0));
}

TEST_CASE("two feeders of a sum share its columns; the last one left gets them whole") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(2))
      .layer("b", NetworkBuilder::conv(2), {"input"})
      .layer("s", AddSpec{}, {"a", "b"});
  net.layer("c", NetworkBuilder::conv(3)).layer("p", global_average());
  const auto graph = quantized(net, *backend);
  SizeLoss loss(*graph, SizeLossForm::live_inputs, false, 100);
  set_bits(*graph, "b", {4, 0});
  CHECK(credit(*graph, loss, "a", 0) == 18 + 27 / 2.0);
  CHECK(credit(*graph, loss, "b", 0) == 18 + 27 / 2.0);
  CHECK(credit(*graph, loss, "a", 1) == 18 + 27);
  CHECK(credit(*graph, loss, "b", 1) == 18);  // dead: its own weights, no share

  // With revive a dead channel feels what its return would cost: beside a live feeder half the column, alone all of it.
  SizeLoss reviving(*graph, SizeLossForm::live_inputs, true, 100);
  CHECK(credit(*graph, reviving, "b", 1) == 18 + 27 / 2.0);
  CHECK(credit(*graph, reviving, "a", 1) == 18 + 27);
  set_bits(*graph, "a", {1, 0});
  CHECK(credit(*graph, reviving, "b", 1) == 18 + 27);
  CHECK(reviving.value() == Approx(loss.value()));
}

TEST_CASE("concatenated, depthwise and grouped channels are credited with the weights that read them") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.layer("a", NetworkBuilder::conv(4))
      .layer("d", NetworkBuilder::depthwise(8))
      .layer("g", NetworkBuilder::conv(4, 2));
  net.layer("cat", ConcatSpec{}, {"a", "g"}).layer("c", NetworkBuilder::conv(3)).layer("p", global_average());
  const auto graph = quantized(net, *backend);
  SizeLoss loss(*graph, SizeLossForm::live_inputs, false, 100);
  set_bits(*graph, "d", {1, 0, 1, 1, 1, 1, 1, 1});
  // a0: own 18, one live depthwise filter 9, a column of c 27.
  CHECK(credit(*graph, loss, "a", 0) == 18 + 9 + 27);
  CHECK(credit(*graph, loss, "a", 1) == 18 + 18 + 27);
  // d0: own 9, a column in each of its group's two live outputs.
  CHECK(credit(*graph, loss, "d", 0) == 9 + 2 * 9);
  // g0: three live inputs of its group of four, a column of c.
  CHECK(credit(*graph, loss, "g", 0) == 3 * 9 + 27);
  CHECK(credit(*graph, loss, "g", 2) == 4 * 9 + 27);
}
