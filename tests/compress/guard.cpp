#include "scnn/compress/guard.h"

#include <cmath>

#include "catch.h"
#include "network.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/quantizer.h"
#include "scnn/compress/size_loss.h"

using namespace scnn;
using namespace scnn::test;

namespace {

Parameter& bits_of(Graph& graph, const std::string& layer) {
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->name == layer + ".bits") return *parameter;
  }
  throw std::runtime_error("no layer " + layer);
}

/// A network of two layers with bits of 8, and a loss of 1 that rises as the bits of `conv1` fall below 8.
struct Fixture {
  Fixture() : backend(backend_for(Device{}, {1})), graph(network().spec(), *backend) {
    graph.initialize(1);
    attach_quantizers(graph, CompressionOptions{});
  }
  static NetworkBuilder network() {
    NetworkBuilder net(1, 8, 8);
    net.conv_bn_relu("conv1", 4).conv_bn_relu("conv2", 6);
    net.layer("pool", global_average()).layer("fc", LinearSpec{4, true});
    return net;
  }
  void lower(const std::string& layer, float by) {
    Parameter& bits = bits_of(graph, layer);
    std::vector<float> values = host_values(*backend, bits.value);
    for (float& value : values) value -= by;
    set_values(*backend, values, bits.value);
  }
  double loss() {
    ++evaluations;
    double sum = 1;
    for (const float bits : host_values(*backend, bits_of(graph, "conv1").value)) sum += harm * (8.0 - bits);
    return sum;
  }
  void look() {
    guard.look(graph, [this] { return loss(); });
  }
  std::unique_ptr<Backend> backend;
  Graph graph;
  ForgettingGuard guard{0.02};
  double harm = 0.01;
  int evaluations = 0;
};

}  // namespace

TEST_CASE("the guard slows a layer whose fall would harm, lets others go on, and lets it come back") {
  Fixture f;
  f.look();  // nothing has fallen yet
  CHECK(f.evaluations == 0);
  CHECK(f.guard.pace("conv1") == 1.0);
  CHECK(f.guard.pace("nobody") == 1.0);

  f.lower("conv1", 1);
  f.lower("conv2", 1);
  f.look();  // one more bit of four channels: 0.04 on a loss of 1.04
  CHECK(f.guard.layers.at(0).name == "conv1");
  CHECK(f.guard.layers.at(0).harm == Approx(0.04 / 1.04));
  CHECK(f.guard.pace("conv1") == 0.5);
  CHECK(f.guard.pace("conv2") == 1.0);
  CHECK(f.evaluations == 3);
  for (const float bits : host_values(*f.backend, bits_of(f.graph, "conv1").value)) CHECK(bits == 7.0F);

  f.look();  // it stands still: no harm
  CHECK(f.guard.pace("conv1") == 0.625);
  for (int i = 0; i < 10; ++i) f.look();
  CHECK(f.guard.pace("conv1") == 1.0);

  f.harm = 1;
  for (int i = 0; i < 10; ++i) {
    f.lower("conv1", 0.1F);
    f.look();
  }
  CHECK(f.guard.pace("conv1") == ForgettingGuard::least_pace);
}

TEST_CASE("the guard looks no further down than bits may go, and starts anew where channels have left") {
  Fixture f;
  f.look();
  f.lower("conv1", 5);
  f.look();  // 3 - 5 is below 0
  CHECK(f.guard.layers.at(0).harm == Approx(4 * 0.01 * 3 / 1.2));
  f.lower("conv1", 1);
  f.guard.remember(f.graph);
  f.look();
  CHECK(f.guard.layers.at(0).harm == 0.0);
  f.guard.layers.at(0).bits.pop_back();  // as if a channel had left
  f.lower("conv1", 1);
  f.look();
  CHECK(f.guard.layers.at(0).harm == 0.0);
}

TEST_CASE("a loss that is no number is harm, and a guard that is off slows nothing") {
  Fixture f;
  f.look();
  f.lower("conv1", 1);
  f.harm = std::nan("");
  f.look();
  CHECK(f.guard.pace("conv1") == 0.5);
  CHECK(std::isfinite(f.guard.layers.at(0).harm));
  ForgettingGuard off;
  off.layers = f.guard.layers;  // as a checkpoint brings them
  CHECK(off.pace("conv1") == 1.0);
}

TEST_CASE("a pace multiplies what the size loss does to a layer's bits, not the size loss") {
  Fixture f;
  SizeLoss loss(f.graph, SizeLossForm::live_inputs, false, 1000);
  const auto gradient = [&](const std::string& layer) {
    Parameter& bits = bits_of(f.graph, layer);
    bits.gradient = f.backend->allocate(bits.value.shape());
    f.backend->fill(bits.gradient, 0.0F);
    loss.backward(1.0);
    return host_values(*f.backend, bits.gradient).front();
  };
  const double q = loss.value();
  const float conv1 = gradient("conv1"), conv2 = gradient("conv2");
  REQUIRE(conv1 > 0.0F);
  loss.pace = [](const std::string& layer) { return layer == "conv1" ? 0.25 : 1.0; };
  CHECK(loss.value() == q);
  CHECK(gradient("conv1") == Approx(conv1 / 4));
  CHECK(gradient("conv2") == conv2);
}
