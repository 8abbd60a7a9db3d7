#include "scnn/compress/quantizer.h"

#include <algorithm>

#include "catch.h"
#include "network.h"
#include "scnn/core/number_format.h"

using namespace scnn;
using namespace scnn::test;
using Catch::Matchers::Contains;

TEST_CASE("the starting exponent makes the largest weight just fit") {
  const float e = starting_exponent(0.75F, 8.0F);
  CHECK(std::exp2(e) * 127.0F == Approx(0.75F));
  const auto format = channel_format(8.0F, e);
  CHECK(quantize_integer(0.75F, format) == 127.0F);
  CHECK(quantize(0.75F, format) == Approx(0.75F));
}

TEST_CASE("quantizers start per channel, and an all-zero channel gets a finite exponent") {
  const auto backend = backend_for(Device{}, {1});
  Parameter weight;
  weight.value = Tensor::of({3, 1, 1, 2}, std::vector<float>{0.5F, -0.25F, 0.0F, 0.0F, 2.0F, 1.0F});
  const ChannelQuantizer quantizer("c", weight, 8.0F, true, false, *backend);
  const std::vector<IntegerChannel> channels = quantizer.integers(*backend, weight);
  CHECK(channels[0].integers == std::vector<std::int32_t>{127, -64});
  CHECK(channels[1].integers == std::vector<std::int32_t>{0, 0});
  CHECK(std::isfinite(channels[1].scale));
  CHECK(channels[2].integers == std::vector<std::int32_t>{127, 64});
}

TEST_CASE("a zero-bit channel is dead and all its integers are 0") {
  const auto backend = backend_for(Device{}, {1});
  Parameter weight;
  weight.value = Tensor::of({2, 1, 1, 2}, std::vector<float>{0.5F, -0.5F, 1.0F, -1.0F});
  ChannelQuantizer quantizer("c", weight, 8.0F, true, false, *backend);
  set_values(*backend, std::vector<float>{0.0F, 0.5F}, quantizer.channel_bits().value);
  CHECK(quantizer.bits(*backend) == std::vector<float>{0.0F, 0.5F});
  CHECK(quantizer.integers(*backend, weight)[0].integers == std::vector<std::int32_t>{0, 0});
}

TEST_CASE("include and exclude choose layers by name, and a pattern that fits none is an error") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(1, 4, 4);
  net.conv_bn_relu("conv1", 4).conv_bn_relu("conv2", 4).layer("f", FlattenSpec{}).layer("fc", LinearSpec{2, true});
  Graph graph(net.spec(), *backend);
  graph.initialize(0);
  CompressionOptions options;
  options.include = {"conv*", "fc"};
  options.exclude = {"conv1"};
  attach_quantizers(graph, options);
  CHECK(node(graph, "conv1").layer->weights()->quantizer == nullptr);
  REQUIRE(node(graph, "conv2").layer->weights()->quantizer != nullptr);
  CHECK(parameter(graph, "conv2.bits").lower == 0.0F);
  CHECK(parameter(graph, "fc.bits").lower == 1.0F);
  options.exclude = {"pool*"};
  CHECK_THROWS_WITH(attach_quantizers(graph, options),
                    Contains("'pool*' matches no layer") && Contains("conv1, conv2, fc"));
}

TEST_CASE("fixed bits do not learn b, only e") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(1, 4, 4);
  net.layer("f", FlattenSpec{}).layer("fc", LinearSpec{2, true});
  Graph graph(net.spec(), *backend);
  graph.initialize(0);
  CompressionOptions options;
  options.type = "fixed_bits";
  options.bits = 2;
  attach_quantizers(graph, options);
  CHECK_FALSE(parameter(graph, "fc.bits").trainable);
  Pass pass;
  pass.mode = Mode::train;
  graph.forward(random_tensor({5, 4, 4, 1}, 1), pass);
  graph.backward(random_tensor({5, 2}, 2), pass);
  CHECK(backend->sum_of_squares(parameter(graph, "fc.exponent").gradient) > 0);
  for (const IntegerChannel& channel :
       node(graph, "fc").layer->weights()->quantizer->integers(*backend, parameter(graph, "fc.weight"))) {
    CHECK(*std::ranges::min_element(channel.integers) >= -2);
    CHECK(*std::ranges::max_element(channel.integers) <= 1);
  }
}

TEST_CASE("every layer whose channels reach the logits through a sum keeps the floor") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(1, 4, 4);
  net.layer("f", FlattenSpec{}).layer("fc1", LinearSpec{2, true}).layer("fc2", LinearSpec{2, true}, {"f"});
  net.layer("sum", AddSpec{}, {"fc1", "fc2"}).layer("half", ScaleSpec{0.5F});
  Graph graph(net.spec(), *backend);
  graph.initialize(0);
  attach_quantizers(graph, CompressionOptions{});
  CHECK(parameter(graph, "fc1.bits").lower == 1.0F);
  CHECK(parameter(graph, "fc2.bits").lower == 1.0F);
}
