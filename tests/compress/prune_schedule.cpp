#include "compress/policies/prune_schedule.h"

#include "catch.h"
#include "network.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("an equal share of the channels goes at each epoch of the list") {
  PruneOptions options;
  options.fraction = 0.6;
  options.epochs = {2, 5, 6};
  CHECK(prune_share(options, 1) == 0.0);
  CHECK(prune_share(options, 2) == Approx(0.2));
  CHECK(prune_share(options, 5) == Approx(0.4));
  CHECK(prune_share(options, 9) == Approx(0.6));
}

TEST_CASE("channels of the smallest L1 norm lose their bits, the logits' layer keeps all, one always stays") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(1, 4, 4);
  net.conv_bn_relu("conv1", 5).layer("f", FlattenSpec{}).layer("fc", LinearSpec{4, true});
  Graph graph(net.spec(), *backend);
  graph.initialize(0);
  CompressionOptions options;
  options.type = "magnitude_prune";
  options.bits = 4;
  attach_quantizers(graph, options);
  // One large weight, or nine of half its size: the norm is a sum of magnitudes, not the largest.
  std::vector<float> values(45, 0.0F);
  values[0] = 3.0F;                                                          // 3
  for (int i = 9; i < 18; ++i) values[static_cast<std::size_t>(i)] = -1.0F;  // 9
  values[20] = 2.0F;                                                         // 2
  values[30] = values[31] = -2.0F;                                           // 4
  values[40] = 0.5F;                                                         // 0.5
  set_values(*backend, values, parameter(graph, "conv1.weight").value);
  const auto bits = [&] { return host_values(*backend, parameter(graph, "conv1.bits").value); };
  prune_channels(graph, 0.2);
  CHECK(bits() == std::vector<float>{4, 4, 4, 4, 0});
  prune_channels(graph, 0.2);
  CHECK(bits() == std::vector<float>{4, 4, 4, 4, 0});
  prune_channels(graph, 0.6);
  CHECK(bits() == std::vector<float>{0, 4, 0, 4, 0});
  prune_channels(graph, 1.0);
  CHECK(bits() == std::vector<float>{0, 4, 0, 0, 0});
  CHECK(host_values(*backend, parameter(graph, "fc.bits").value) == std::vector<float>{4, 4, 4, 4});
}
