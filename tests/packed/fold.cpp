#include "catch.h"
#include "core/difference.h"
#include "random_model.h"
#include "scnn/core/error.h"

using namespace scnn;
using scnn::test::random_model;

namespace {

int affines(const PackedModel& model) {
  int count = 0;
  for (const LayerSpec& spec : model.network) count += std::holds_alternative<AffineSpec>(spec.options) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("folding batch-norms changes no more than rounding") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  int before = 0, after = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    const PackedModel model = random_model(seed);
    const PackedModel folded = fold(model);
    before += affines(model);
    after += affines(folded);
    REQUIRE(relative_difference(probe_logits(*unpack(model, *backend)), probe_logits(*unpack(folded, *backend))) <
            1e-5);
    // What was folded is a file like any other.
    REQUIRE(scnn::test::difference(folded, decode(encode(folded), "model.scnn")) == "");
    REQUIRE(encode(fold(folded)) == encode(folded));
  }
  CHECK(after < before / 3);
}

TEST_CASE("a batch-norm stays where another layer reads what it reads") {
  PackedModel model;
  Conv2dSpec conv;
  conv.out = 1;
  model.network = {{"in", InputSpec{1, 1, 1}, {}, ""},
                   {"a", conv, {0}, ""},
                   {"norm", AffineSpec{}, {1}, ""},
                   {"sum", AddSpec{}, {1, 2}, ""},
                   {"second", AffineSpec{}, {3}, ""}};
  model.sets = {ChannelSet(1), ChannelSet(1), ChannelSet(1)};
  model.layers.resize(5);
  model.affines.resize(5);
  model.layers[1] = {{{8, 0.5F, {3}}}, {}, {1, 1, 1, 1}, {0.25F}};
  model.affines[2] = {{2}, {1}};
  model.affines[4] = {{3}, {1}};
  CHECK(affines(fold(model)) == 2);
  model.network[3].inputs = {2, 2};
  const PackedModel folded = fold(model);
  CHECK(affines(folded) == 1);
  REQUIRE(folded.network.size() == 4);
  CHECK(folded.network[2].inputs == std::vector<int>{1, 1});
  CHECK(std::get<Conv2dSpec>(folded.network[1].options).bias);
  CHECK(folded.layers[1].channels[0].scale == 1.0F);
  CHECK(folded.layers[1].bias == std::vector<float>{1.5F});
}

TEST_CASE("a channel that folding scales by 0 keeps no integers") {
  PackedModel model;
  Conv2dSpec conv;
  conv.out = 2;
  model.network = {{"in", InputSpec{1, 1, 1}, {}, ""}, {"a", conv, {0}, ""}, {"norm", AffineSpec{}, {1}, ""}};
  model.sets = {ChannelSet(1), ChannelSet(2)};
  model.layers.resize(3);
  model.affines.resize(3);
  model.layers[1] = {{{8, 0.5F, {3}}, {8, 0.5F, {-2}}}, {}, {2, 1, 1, 1}, {0.25F, 4}};
  model.affines[2] = {{0, -2}, {7, 0}};
  const PackedModel folded = fold(model);
  CHECK(folded.layers[1].channels[0].scale == 0.0F);
  CHECK(folded.layers[1].channels[0].integers == std::vector<std::int32_t>{0});
  CHECK(folded.layers[1].channels[1].scale == -1.0F);
  CHECK(folded.layers[1].bias == std::vector<float>{7, -8});
}

TEST_CASE("snapping makes every scale, bias and term two bytes, and moves logits little") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    const PackedModel model = random_model(seed), snapped = snap(model);
    if (!model.quantized()) {
      REQUIRE(encode(snapped) == encode(model));
      continue;
    }
    REQUIRE(relative_difference(probe_logits(*unpack(model, *backend)), probe_logits(*unpack(snapped, *backend))) <
            1e-2);
    REQUIRE(encode(snap(snapped)) == encode(snapped));
    const std::vector<FilePart> parts = account(snapped);
    for (std::size_t i = 0; i < snapped.layers.size(); ++i) {
      const PackedLayer& layer = snapped.layers[i];
      REQUIRE(parts[i + 1].of(FileBytes::scales) <= 2 + 2 * layer.channels.size());
      REQUIRE(parts[i + 1].of(FileBytes::bias) <= 2 + 2 * layer.bias.size());
    }
  }
}
