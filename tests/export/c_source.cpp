#include "export/c_source.h"

#include <cstdlib>

#include "catch.h"
#include "core/difference.h"
#include "random_model.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"
#include "temporary_folder.h"

using namespace scnn;

namespace {

std::vector<float> noise(std::int64_t size) {
  const RandomStream stream(3, Stream::probe);
  std::vector<float> values(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 2.0F * uniform(stream.draws(i).v[0]) - 1.0F;
  return values;
}

}  // namespace

TEST_CASE("the C source of random networks compiles without a warning and has the program's logits") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  std::string kinds;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    INFO("network " << seed);
    PackedModel model = test::random_model(40'000 + seed);
    if (seed % 2 == 1) model = snap(fold(model));
    const auto graph = unpack(model, *backend);
    const Edge& edge = graph->nodes().front().edge;
    const std::int64_t channels = graph->sets()[edge.set].size();
    const std::vector<float> x = noise(3 * edge.h * edge.w * channels);
    Tensor images = Tensor::host({3, edge.h, edge.w, channels});
    std::ranges::copy(x, images.values<float>().begin());
    const Tensor& expected = graph->forward(images, Pass{});
    const CSource source = c_source(model);
    const auto found = compiled_logits(source, x, 3, static_cast<std::size_t>(graph->classes()));
    if (!found) SCNN_SKIP("no C compiler: none of $CC, cc, gcc and clang runs");
    const auto values = expected.values<float>();
    CHECK(relative_difference({values.data(), values.size()}, *found) < 1e-4);
    for (const char* kind : {"convolve(&", "affine(arena", "pool(&", "join(arena", "groups_",
                             "case 0:", "case 1:", "case 2:", "case 3:", "case 4:", "1, weights_"}) {
      if (source.source.find(kind) != std::string::npos && kinds.find(kind) == std::string::npos)
        kinds.append(kind).append(" ");
    }
  }
  INFO("seen: " << kinds);
  CHECK(std::ranges::count(kinds, ' ') >= 10);  // every kind of layer and form of weights but perhaps one
}

TEST_CASE("a pool becomes part of a convolution only where nothing else reads that") {
  PoolSpec halves, whole;
  whole.global = true;
  whole.kind = PoolKind::average;
  Conv2dSpec conv;
  conv.out = 2;
  PackedModel model;
  model.network = {{"in", InputSpec{1, 4, 4}, {}, ""},  {"conv", conv, {0}, ""},
                   {"halves", halves, {1}, ""},         {"of halves", whole, {2}, ""},
                   {"of conv", whole, {1}, ""},         {"sum", AddSpec{}, {3, 4}, ""},
                   {"flatten", FlattenSpec{}, {5}, ""}, {"fc", LinearSpec{2, false}, {6}, ""}};
  model.sets = {ChannelSet(1), ChannelSet(2), ChannelSet(2), ChannelSet(2)};
  model.layers.resize(8);
  model.affines.resize(8);
  model.layers[1] = {{}, {1, -2}, Shape{2, 1, 1, 1}, {0.5F, 0}};
  model.layers[7] = {{}, {1, 2, 3, 4}, Shape{2, 1, 1, 2}, {}};
  const auto backend = backend_for(Device{}, BackendOptions{1});
  const auto graph = unpack(model, *backend);
  const std::vector<float> x = noise(16);
  Tensor image = Tensor::host({1, 4, 4, 1});
  std::ranges::copy(x, image.values<float>().begin());
  const auto expected = graph->forward(image, Pass{}).values<float>();
  const auto found = compiled_logits(c_source(model), x, 1, 2);
  if (!found) SCNN_SKIP("no C compiler");
  CHECK(relative_difference({expected.data(), expected.size()}, *found) < 1e-5);
}

TEST_CASE("names of a model and its classes cannot break the C source") {
  PackedModel model = test::random_model(40'000);
  for (const auto& [name, expected] :
       std::vector<std::pair<std::string, std::string>>{{"Fashion-MNIST 2", "fashion_mnist_2"},
                                                        {"7*/\"\\", "net_7"},
                                                        {"", "net"},
                                                        {"---", "net"},
                                                        {"\xc3\xa9t\xc3\xa9", "t"}}) {
    model.name = name;
    CHECK(c_source(model).name == expected);
  }
  model.name = "*/ int";
  const auto logits = static_cast<std::size_t>(model.sets.back().original());
  model.class_names.assign(logits, "a\"\\?/\n*/\xff");
  const auto& input = std::get<InputSpec>(model.network.front().options);
  const std::vector<float> x = noise(input.h * input.w * input.channels);
  const auto found = compiled_logits(c_source(model), x, 1, logits);
  if (!found) SCNN_SKIP("no C compiler");
  CHECK(found->size() == logits);
}

TEST_CASE("a source that the compiler refuses is an error with the compiler's words") {
  CSource source = c_source(test::random_model(40'001));
  source.source += "static int unused;\n";
  try {
    if (!compiled_logits(source, std::vector<float>(4), 1, 2)) SCNN_SKIP("no C compiler");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::check);
    CHECK(std::string(error.what()).find("unused") != std::string::npos);
  }
}
