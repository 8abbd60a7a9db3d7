#include "compress/methods/lsq.h"

#include <algorithm>

#include "against_torch.h"
#include "catch.h"
#include "network.h"
#include "scnn/nn/layer.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("LSQ: values, gradients of weights and of the step, and its start, are the paper's in PyTorch") {
  const std::string python = torch_python();
  if (python.empty()) SCNN_SKIP("no Python with PyTorch (python3-torch)");
  const auto backend = backend_for(Device{}, {1});
  for (const float bits : {2.0F, 3.0F, 8.0F}) {
    Parameter weight;
    weight.value = random_tensor({6, 3, 3, 5}, 4, 0.2F);
    weight.gradient = random_tensor({6, 3, 3, 5}, 5);
    Safetensors values;
    values.metadata = {{"type", "lsq"}, {"bits", std::to_string(static_cast<int>(bits))}};
    values.tensors = {{"weight", weight.value},
                      {"start_weight", weight.value},
                      {"upstream", Tensor::of(weight.gradient.shape(), weight.gradient.values<float>())}};
    LsqQuantizer quantizer("c", weight, bits, *backend);
    Parameter& step = *quantizer.parameters().at(0);
    CHECK(step.name == "c.step");
    values.tensors["result.start"] = Tensor::of({1}, step.value.values<float>());
    if (bits == 8.0F) backend->fill(step.value, 0.002F);  // so that weights lie outside the range
    values.tensors["step"] = step.value;
    quantizer.prepare(*backend, weight, Pass{});
    Tensor effective = backend->allocate(weight.value.shape());
    backend->quantize(quantizer.view(weight), effective);
    quantizer.backward(*backend, weight);
    values.tensors["result.effective"] = effective;
    values.tensors["result.weight_gradient"] = weight.gradient;
    values.tensors["result.step_gradient"] = step.gradient;
    CHECK(agrees_with_torch(python, values));
  }
}

TEST_CASE("LSQ: the integers of all channels have one scale, and give what the network computes with") {
  const auto backend = backend_for(Device{}, {1});
  Parameter weight;
  weight.value = random_tensor({4, 1, 1, 300}, 1);
  LsqQuantizer quantizer("c", weight, 3.0F, *backend);
  backend->fill(quantizer.parameters().at(0)->value, 0.3F);  // small enough for both ends
  quantizer.prepare(*backend, weight, Pass{});
  Tensor effective = backend->allocate(weight.value.shape());
  backend->quantize(quantizer.view(weight), effective);
  std::size_t at = 0;
  std::int32_t lowest = 0, highest = 0;
  const float first = quantizer.integers(*backend, weight)[0].scale;
  for (const IntegerChannel& channel : quantizer.integers(*backend, weight)) {
    CHECK(channel.bits == 3.0F);
    const auto [low, high] = std::ranges::minmax(channel.integers);
    CHECK((low >= -4 && high <= 3));
    CHECK(channel.scale == first);
    lowest = std::min(lowest, low);
    highest = std::max(highest, high);
    for (const std::int32_t integer : channel.integers) {
      REQUIRE(channel.scale * static_cast<float>(integer) == effective.values<float>()[at++]);
    }
  }
  CHECK(lowest == -4);
  CHECK(highest == 3);
}
