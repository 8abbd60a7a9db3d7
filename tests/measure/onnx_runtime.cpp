#include "measure/onnx_runtime.h"

#include <cstdlib>

#include "catch.h"
#include "core/difference.h"
#include "core/file.h"
#include "core/python.h"
#include "export/onnx.h"
#include "scnn/backend/backend.h"
#include "scnn/core/error.h"
#include "temporary_folder.h"

using namespace scnn;
using scnn::test::TemporaryFolder;

namespace {

/// Sums over the rows of 2x3 images of two channels: which place is which matters.
PackedModel model() {
  PackedModel model;
  model.network = {
      {"input", InputSpec{2, 2, 3}, {}, ""}, {"flat", FlattenSpec{}, {0}, ""}, {"fc", LinearSpec{2, false}, {1}, ""}};
  model.sets = {ChannelSet(2), ChannelSet(2)};
  model.layers.resize(3);
  model.affines.resize(3);
  model.layers[2].shape = {2, 2, 3, 2};
  for (int i = 0; i < 24; ++i) model.layers[2].weights.push_back(0.25F * static_cast<float>(i * i % 17) - 1);
  model.normalization = {{0.25F, 0.5F}, {0.5F, 2.0F}};
  return model;
}

}  // namespace

TEST_CASE("ONNX Runtime gives the program's logits of normalized images") {
  if (python_with("numpy, onnxruntime").empty())
    SCNN_SKIP("no Python with onnxruntime; tools/setup --with-onnx makes one");
  const TemporaryFolder folder;
  const PackedModel packed = model();
  const auto backend = backend_for(Device{}, BackendOptions{1});
  write_file(folder / "model.onnx", encode_onnx(packed, {}).bytes);
  const std::vector<float> expected = probe_logits(*unpack(packed, *backend));
  const Tensor images = probe_images(std::get<InputSpec>(packed.network.front().options));
  CHECK(relative_difference(
            expected, onnx_runtime_logits(onnx_python(), folder / "model.onnx", images, packed.normalization)) < 1e-5);
  folder.write("model.onnx", "nonsense");
  CHECK_THROWS_AS(onnx_runtime_logits(onnx_python(), folder / "model.onnx", images, packed.normalization), Error);
}

TEST_CASE("without ONNX Runtime the message says how to get it") {
  ::setenv("SCNN_PYTHON", "/nonexistent/python", 1);
  try {
    static_cast<void>(onnx_python());
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::device);
    CHECK(std::string(error.what()).find("tools/setup --with-onnx") != std::string::npos);
  }
  ::unsetenv("SCNN_PYTHON");
}
