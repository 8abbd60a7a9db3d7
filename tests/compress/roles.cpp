#include "catch.h"
#include "network.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("every parameter of a network has the role that its name ends with, whatever its layer's name") {
  NetworkBuilder net(1, 4, 4);
  net.conv_bn_relu("conv", 3).conv_bn_relu("more.bits", 2).layer("pool", global_average());
  net.layer("fc", LinearSpec{2, true});
  const auto backend = backend_for(Device{}, {1});
  Graph graph(net.spec(), *backend);
  attach_quantizers(graph, CompressionOptions{});
  std::int64_t of_quantizers = 0;
  for (const Parameter* parameter : graph.parameters()) {
    INFO(parameter->name);
    CHECK(role_in_name(parameter->name) == parameter->role);
    of_quantizers += belongs_to_quantizer(parameter->role) ? 1 : 0;
  }
  CHECK(of_quantizers == 6);
  Quantizer& quantizer = *node(graph, "more.bits").layer->weights()->quantizer;
  CHECK(quantizer.parameter(ParameterRole::bits)->name == "more.bits.bits");
  CHECK(quantizer.parameter(ParameterRole::logit) == nullptr);
}
