#include "catch.h"
#include "compress/policies/prune_schedule.h"
#include "core/difference.h"
#include "network.h"
#include "scnn/compress/quantizer.h"
#include "scnn/compress/size_status.h"
#include "scnn/packed/packed.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("every compression type fits the packed file: what it holds computes as the network does") {
  const auto backend = backend_for(Device{}, {1});
  for (const std::string type : {"fixed_bits", "self_compress", "diffq", "lsq", "magnitude_prune"}) {
    INFO(type);
    NetworkBuilder net(2, 6, 6);
    net.conv_bn_relu("conv1", 5).conv_bn_relu("conv2", 6).layer("f", FlattenSpec{}).layer("fc", LinearSpec{3, true});
    Graph graph(net.spec(), *backend);
    graph.initialize(4);
    randomize_batch_norms(graph, 2);
    CompressionOptions options;
    options.type = type;
    options.bits = 3;
    options.init_bits = 3;
    options.diffq.init_bits = 4;
    options.diffq.group_size = 7;
    attach_quantizers(graph, options);
    for (Parameter* parameter : graph.parameters()) {
      if (parameter->name.ends_with(".logit")) parameter->value = random_tensor(parameter->value.shape(), 3, 2.0F);
    }
    if (type == "magnitude_prune") prune_channels(graph, 0.4);

    const Tensor images = random_tensor({7, 6, 6, 2}, 9);
    const std::vector<float> logits = host_values(*backend, graph.forward(images, Pass{}));
    const SizeMeter meter(graph);
    const SizeStatus status = meter.total(graph, meter.layers(graph));
    Dataset data;
    data.class_names = {"a", "b", "c"};
    data.normalization = {{0, 0}, {1, 1}};
    const PackedModel model = pack(graph, "test", data, {IntegerForm::coded, RealForm::float32, false});
    const std::unique_ptr<Graph> packed = unpack(decode(encode(model), "test"), *backend);
    const std::vector<float> read = host_values(*backend, packed->forward(images, Pass{}));
    // Pruned channels are not in the file, so that sums have another order.
    CHECK(relative_difference(read, logits) <= (type == "magnitude_prune" ? 1e-6 : 0.0));
    // Widths of integers, nothing else: whatever their type calls bits.
    std::int64_t bits = 0;
    for (const FilePart& part : account(model)) bits += part.packed_bits;
    if (type != "magnitude_prune") CHECK(bits == status.packed_bits);
  }
}
