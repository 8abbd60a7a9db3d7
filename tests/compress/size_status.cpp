#include "scnn/compress/size_status.h"

#include "catch.h"
#include "network.h"
#include "packed/packed_width.h"
#include "scnn/compress/quantizer.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("a channel's packed width counts levels, then bits") {
  CHECK(packed_width(std::vector<std::int32_t>{0, 0}) == 0);
  CHECK(packed_width(std::vector<std::int32_t>{-1, 0}) == 1);
  CHECK(packed_width(std::vector<std::int32_t>{-1, 0, 1}) == 2);
  CHECK(packed_width(std::vector<std::int32_t>{-3, 2}) == 3);
  CHECK(packed_width(std::vector<std::int32_t>{-128, 127}) == 8);
  CHECK(packed_width(std::vector<std::int32_t>{}) == 0);
}

TEST_CASE("sizes count live weights, learned bits and packed bits") {
  const auto backend = backend_for(Device{}, {1});
  NetworkBuilder net(1, 2, 2);
  net.layer("f", FlattenSpec{}).layer("fc", LinearSpec{2, false});
  Graph graph(net.spec(), *backend);
  set_values(*backend, std::vector<float>{1, 0.5F, -1, 0.25F, 1, 1, 1, 1}, parameter(graph, "fc.weight").value);
  const SizeMeter meter(graph);
  CompressionOptions options;
  options.exclude = {"fc"};
  attach_quantizers(graph, options);
  CHECK(meter.layers(graph)[0].packed_bits == 8 * 32);

  options.exclude.clear();
  attach_quantizers(graph, options);
  set_values(*backend, std::vector<float>{2.5F, 0.0F}, parameter(graph, "fc.bits").value);
  set_values(*backend, std::vector<float>{0.0F, 0.0F}, parameter(graph, "fc.exponent").value);
  const LayerStatus layer = meter.layers(graph)[0];
  // b = 2.5: range -2.83 .. 1.83; 1, 0.5, -1, 0.25 become 1, 0, -1, 0: three levels, two bits.
  CHECK(layer.learned_bits == Approx(4 * 2.5));
  CHECK(layer.packed_bits == 4 * 2);
  CHECK(layer.live_weights == 4);
  CHECK(layer.original_weights == 8);
  const SizeStatus total = meter.total(graph, {layer});
  CHECK(total.original_macs == 8);
  CHECK(total.live_channels == 2);
}
