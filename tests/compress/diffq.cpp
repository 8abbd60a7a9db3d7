#include "compress/methods/diffq.h"

#include <algorithm>

#include "against_torch.h"
#include "catch.h"
#include "network.h"
#include "scnn/compress/size_loss.h"

using namespace scnn;
using namespace scnn::test;

namespace {

Pass training(std::uint64_t step) {
  Pass pass;
  pass.mode = Mode::train;
  pass.seed = 3;
  pass.step = step;
  return pass;
}

std::vector<float> effective(DiffqQuantizer& quantizer, Backend& backend, const Parameter& weight, const Pass& pass) {
  quantizer.prepare(backend, weight, pass);
  return host_values(backend, *quantizer.view(weight).values);
}

}  // namespace

TEST_CASE("DiffQ: noise, gradients of weights and logits with the penalty, and rounded weights agree with PyTorch") {
  const std::string python = torch_python();
  if (python.empty()) SCNN_SKIP("no Python with PyTorch (python3-torch)");
  const auto backend = backend_for(Device{}, {1});
  for (const std::int64_t group_size : {8, 7, 0}) {  // 45 weights a channel: the last group is shorter
    for (const PseudoNoise noise : {PseudoNoise::gaussian, PseudoNoise::uniform}) {
      Parameter weight;
      weight.value = random_tensor({16, 3, 3, 5}, 4, 0.2F);
      weight.gradient = random_tensor({16, 3, 3, 5}, 5);
      DiffqOptions options;
      options.max_bits = 7;
      options.init_bits = 4;
      options.group_size = group_size;
      options.noise = noise;
      DiffqQuantizer quantizer("c", weight, options, 2, *backend);
      Parameter& logit = *quantizer.parameters().at(0);
      CHECK(quantizer.bits(*backend)[0] == Approx(4));
      logit.value = random_tensor(logit.value.shape(), 6);

      constexpr float gamma = 0.5F;
      Safetensors values;
      values.metadata = {{"type", "diffq"}, {"min_bits", "2"},
                         {"max_bits", "7"}, {"group_size", std::to_string(group_size)},
                         {"gamma", "0.5"},  {"noise", noise == PseudoNoise::gaussian ? "gaussian" : "uniform"}};
      values.tensors = {{"weight", weight.value},
                        {"logit", logit.value},
                        {"upstream", Tensor::of(weight.gradient.shape(), weight.gradient.values<float>())}};
      values.tensors["noisy"] = Tensor::of(weight.value.shape(), effective(quantizer, *backend, weight, training(9)));
      quantizer.backward(*backend, weight);
      quantizer.set_size_slope(*backend, std::vector<float>(16, 1.0F / 16));
      quantizer.add_size_gradient(*backend, gamma);
      values.tensors["result.weight_gradient"] = weight.gradient;
      values.tensors["result.logit_gradient"] = logit.gradient;
      values.tensors["result.mean_bits"] = Tensor::of({16}, quantizer.bits(*backend));
      values.tensors["result.quantized"] =
          Tensor::of(weight.value.shape(), effective(quantizer, *backend, weight, Pass{}));
      CHECK(agrees_with_torch(python, values));
    }
  }
}

TEST_CASE("DiffQ: noise is new at every step and in every layer, the same for the same step, and ends with training") {
  const auto backend = backend_for(Device{}, {1});
  Parameter weight;
  weight.value = random_tensor({3, 1, 1, 16}, 4);
  DiffqQuantizer quantizer("c", weight, {}, 2, *backend);
  DiffqQuantizer other("d", weight, {}, 3, *backend);
  const std::vector<float> first = effective(quantizer, *backend, weight, training(1));
  CHECK(first != effective(quantizer, *backend, weight, training(2)));
  CHECK(first != effective(other, *backend, weight, training(1)));
  CHECK(first == effective(quantizer, *backend, weight, training(1)));
  Pass statistics = training(1);
  statistics.statistics_momentum = 1;
  CHECK(effective(quantizer, *backend, weight, statistics) == effective(quantizer, *backend, weight, Pass{}));
}

TEST_CASE("DiffQ: groups of other widths are multiples of a channel's finest step, exactly") {
  const auto backend = backend_for(Device{}, {1});
  Parameter weight;
  weight.value = random_tensor({5, 1, 1, 21}, 4);
  DiffqQuantizer quantizer("c", weight, {}, 2, *backend);
  Parameter& logit = *quantizer.parameters().at(0);
  REQUIRE(logit.value.shape() == Shape({5, 3}));
  logit.value = random_tensor(logit.value.shape(), 6, 2.0F);
  const std::vector<float> values = effective(quantizer, *backend, weight, Pass{});
  std::size_t at = 0;
  for (const IntegerChannel& channel : quantizer.integers(*backend, weight)) {
    for (const std::int32_t integer : channel.integers) {
      REQUIRE(channel.scale * static_cast<float>(integer) == values[at++]);
    }
  }
  CHECK(at == values.size());
}

TEST_CASE("DiffQ: the size loss is the mean bits of a weight, whatever its form, and nothing of it is counted twice") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(2, 4, 4);
  net.conv_bn_relu("conv1", 4).conv_bn_relu("conv2", 6).layer("f", FlattenSpec{}).layer("fc", LinearSpec{3, true});
  Graph graph(net.spec(), *backend);
  graph.initialize(0);
  CompressionOptions options;
  options.type = "diffq";
  attach_quantizers(graph, options);
  double bits = 0, weights = 0;
  for (const char* layer : {"conv1", "conv2", "fc"}) {
    Parameter& logit = parameter(graph, std::string(layer) + ".logit");
    logit.value = random_tensor(logit.value.shape(), 8);
    for (const IntegerChannel& channel :
         node(graph, layer)
             .layer->weights()
             ->quantizer->integers(*backend, node(graph, layer).layer->weights()->parameter)) {
      bits += static_cast<double>(channel.bits) * static_cast<double>(channel.integers.size());
      weights += static_cast<double>(channel.integers.size());
    }
  }
  for (const SizeLossForm form : {SizeLossForm::live_inputs, SizeLossForm::own_inputs}) {
    CHECK(SizeLoss(graph, form, false, static_cast<std::int64_t>(weights)).value() == Approx(bits / weights));
  }
}
