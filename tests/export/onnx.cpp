#include "export/onnx.h"

#include <algorithm>
#include <cstdlib>

#include "catch.h"
#include "core/file.h"
#include "core/python.h"
#include "random_model.h"
#include "save_npy.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"
#include "temporary_folder.h"

using namespace scnn;
using scnn::test::random_model;
using scnn::test::save_npy;
using scnn::test::TemporaryFolder;

namespace {

/// What random networks lack: layers without inputs or outputs, flat and 1x1 tensors joined, padded pools, windows that
/// are nowhere square.
class HandMade {
 public:
  PackedModel make() {
    model_.name = "hand";
    const int image = add(InputSpec{2, 9, 7}, {}, ChannelSet(2));
    Conv2dSpec first = convolution(4, {3, 2});
    first.stride = {2, 1};
    first.dilation = {1, 2};
    first.padding = Padding::explicit_;
    first.pad = {2, 1};
    const int left = weighted(first, image, ChannelSet(4, {0, 2}), {3, 2}, 2, 8);  // 6x7
    PoolSpec average;
    average.kind = PoolKind::average;
    average.kernel = {3, 3};
    average.pad = {1, 1};
    int node = add(average, {left});  // 3x4
    PoolSpec largest;
    largest.kernel = {3, 1};
    largest.stride = {1, 1};
    largest.padding = Padding::same;
    node = add(largest, {node});  // 3x4
    const int nothing = weighted(convolution(3, {1, 1}), image, ChannelSet(3, {}), {1, 1}, 2, 4);
    const int constant = weighted(convolution(2, {3, 3}), nothing, ChannelSet(2), {3, 3}, 0, 4);
    const int joined = add(ConcatSpec{}, {image, nothing, constant}, ChannelSet(7, {0, 1, 5, 6}));
    PoolSpec mean;
    mean.kind = PoolKind::average;
    mean.global = true;
    const int pooled = add(mean, {joined});
    const int vector = add(FlattenSpec{}, {node});
    const int dense = weighted(LinearSpec{7, true}, vector, ChannelSet(7, {1, 2, 4}), {3, 4}, 2, 17);
    const int small = weighted(convolution(7, {1, 1}), pooled, ChannelSet(7, {0, 2, 6}), {1, 1}, 4, 3);
    const int sum = add(AddSpec{}, {dense, add(FlattenSpec{}, {small})}, ChannelSet(7, {0, 1, 2, 4, 6}));
    const int again = weighted(convolution(6, {1, 1}), add(ReluSpec{}, {dense}), ChannelSet(6), {1, 1}, 3, 8);
    const int all = add(ConcatSpec{}, {sum, add(FlattenSpec{}, {again}), dense},
                        ChannelSet(20, {0, 1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 17}));
    weighted(LinearSpec{3, true}, all, ChannelSet(3), {1, 1}, 14, 6);
    model_.normalization = {{0.4F, 0.5F}, {0.25F, 0.2F}};
    return model_;
  }

 private:
  static Conv2dSpec convolution(std::int64_t out, Extent2 kernel) {
    Conv2dSpec spec;
    spec.out = out;
    spec.kernel = kernel;
    spec.padding = Padding::same;
    return spec;
  }
  int add(LayerOptions options, std::vector<int> inputs) {
    const auto node = static_cast<int>(model_.network.size());
    model_.network.push_back({"layer" + std::to_string(node), options, std::move(inputs), ""});
    model_.layers.emplace_back();
    model_.affines.emplace_back();
    return node;
  }
  int add(LayerOptions options, std::vector<int> inputs, ChannelSet set) {
    model_.sets.push_back(std::move(set));
    return add(options, std::move(inputs));
  }
  /// Integers of `bits` bits, the least one among them; the scale of every second channel is negative.
  int weighted(const LayerOptions& options, int from, const ChannelSet& set, Extent2 window, std::int64_t inputs,
               int bits) {
    const int node = add(options, {from}, set);
    PackedLayer& layer = model_.layers.back();
    layer.shape = {set.size(), window.h, window.w, inputs};
    const RandomStream stream(3, Stream::probe);
    for (std::int32_t o = 0; o < set.size(); ++o) {
      IntegerChannel row;
      row.scale = (o % 2 == 0 ? 1.0F : -1.0F) * 0.37F / static_cast<float>(1U << static_cast<unsigned>(bits));
      const std::int64_t half = std::int64_t{1} << static_cast<unsigned>(bits - 1);
      for (std::int64_t k = 0; k < window.h * window.w * inputs; ++k) {
        const auto drawn = static_cast<std::int64_t>(stream.below(next_++, static_cast<std::uint64_t>(2 * half)));
        row.integers.push_back(static_cast<std::int32_t>(k == 0 ? -half : drawn - half));
      }
      layer.channels.push_back(row);
      layer.bias.push_back(0.1F * static_cast<float>(o) - 0.2F);
    }
    return node;
  }

  PackedModel model_;
  std::uint64_t next_ = 0;
};

/// Whole pixels of 0 to 255, [n, h, w, c], and what the model's normalization makes of them.
struct Images {
  Tensor pixels, normalized;
};
Images input_images(const PackedModel& model) {
  const auto& input = std::get<InputSpec>(model.network.front().options);
  const Shape shape{5, input.h, input.w, input.channels};
  Images out{Tensor::host(shape), Tensor::host(shape)};
  const RandomStream stream(11, Stream::probe);
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    const auto value = static_cast<float>(stream.below(static_cast<std::uint64_t>(i), 256));
    const auto channel = static_cast<std::size_t>(i % input.channels);
    out.pixels.data<float>()[i] = value;
    out.normalized.data<float>()[i] =
        (value / 255.0F - model.normalization.mean[channel]) / model.normalization.std[channel];
  }
  return out;
}

void write(const PackedModel& model, Backend& backend, const std::string& stem) {
  const Images input = input_images(model);
  save_npy(stem + ".pixels.npy", input.pixels);
  save_npy(stem + ".logits.npy", unpack(model, backend)->forward(input.normalized, Pass{}));
  write_file(stem + ".opset13.onnx", encode_onnx(model, {}).bytes);
  write_file(stem + ".opset21.onnx", encode_onnx(model, {21, OnnxStyle::standard}).bytes);
  write_file(stem + ".qonnx.onnx", encode_onnx(model, {13, OnnxStyle::qonnx}).bytes);
}

/// A linear layer of one channel for each list of integers.
PackedModel linear_model(const std::vector<std::vector<std::int32_t>>& rows) {
  PackedModel model;
  const auto inputs = static_cast<std::int64_t>(rows.front().size());
  const auto outputs = static_cast<std::int64_t>(rows.size());
  model.network = {{"input", InputSpec{inputs, 1, 1}, {}, ""}, {"fc", LinearSpec{outputs, false}, {0}, ""}};
  model.sets = {ChannelSet(static_cast<std::int32_t>(inputs)), ChannelSet(static_cast<std::int32_t>(outputs))};
  model.layers.resize(2);
  model.affines.resize(2);
  model.layers[1].shape = {outputs, 1, 1, inputs};
  for (const auto& row : rows) model.layers[1].channels.push_back({8, 0.5F, row});
  return model;
}

std::string form(const PackedModel& model, const OnnxOptions& options) {
  const OnnxFile file = encode_onnx(model, options);
  REQUIRE(file.weights.size() == 1);
  CHECK(file.weights.front().layer == "fc");
  return file.weights.front().form + (file.weights.front().given ? ", given" : "");
}

}  // namespace

TEST_CASE("the same model gives the same ONNX file") {
  CHECK(encode_onnx(random_model(5), {}).bytes == encode_onnx(random_model(5), {}).bytes);
}

TEST_CASE("integers take the narrowest form that the opset has") {
  const OnnxOptions old, recent{21, OnnxStyle::standard}, qonnx{13, OnnxStyle::qonnx};
  CHECK(form(linear_model({{-8, 7}, {1, 0}}), old) == "int8");
  CHECK(form(linear_model({{-8, 7}, {1, 0}}), recent) == "int4");
  CHECK(form(linear_model({{-8, 8}, {1, 0}}), recent) == "int8");
  CHECK(form(linear_model({{-9, 7}, {1, 0}}), recent) == "int8");
  CHECK(form(linear_model({{-128, 127}}), recent) == "int8");
  CHECK(form(linear_model({{-128, 128}}), recent) == "float, given");
  CHECK(form(linear_model({{-129, 0}, {1, 1}}), old) == "float, given");
  CHECK(form(linear_model({{-129, 0}, {1, 1}}), qonnx) == "quant");
  CHECK(form(linear_model({{1 << 22, 0}}), qonnx) == "float, given");
  PackedModel plain = linear_model({{1, 2}});
  plain.layers[1].weights = plain.layers[1].effective();
  plain.layers[1].channels.clear();
  CHECK(form(plain, recent) == "float");
}

TEST_CASE("what ONNX cannot be made of is refused") {
  const auto kind = [](const PackedModel& model, const OnnxOptions& options) {
    try {
      static_cast<void>(encode_onnx(model, options));
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::bug;
  };
  CHECK(kind(random_model(1), {14, OnnxStyle::standard}) == ErrorKind::usage);
  PackedModel damaged = linear_model({{1, 2}});
  damaged.layers[1].channels.clear();
  CHECK(kind(damaged, {}) == ErrorKind::checkpoint);
  PackedModel part = random_model(1);
  part.network.resize(2);
  CHECK(kind(part, {}) == ErrorKind::checkpoint);
}

TEST_CASE("ONNX Runtime and onnx.checker agree with the program") {
  const std::string python = python_with("onnx, onnxruntime, numpy");
  if (python.empty()) SCNN_SKIP("no Python with onnx and onnxruntime; `tools/setup --with-onnx` makes one");
  const TemporaryFolder folder;
  const auto backend = backend_for(Device{}, BackendOptions{1});
  write(HandMade().make(), *backend, (folder / "hand").string());
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    PackedModel model = random_model(2000 + seed);
    if (seed % 2 == 1) {
      try {
        model = trim(model, *backend);
      } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::training);
      }
    }
    write(model, *backend, (folder / std::to_string(seed)).string());
  }
  // Tests run at the top of the tree.
  CHECK(std::system((python + " tests/export/check_onnx.py '" + folder.path().string() + "'").c_str()) == 0);
}
