#include <cstdlib>
#include <filesystem>

#include "catch.h"
#include "core/file.h"
#include "core/python.h"
#include "export/npz.h"
#include "random_model.h"
#include "save_npy.h"
#include "scnn/core/error.h"
#include "temporary_folder.h"

using namespace scnn;
using scnn::test::random_images;
using scnn::test::random_model;
using scnn::test::save_npy;
using scnn::test::TemporaryFolder;

TEST_CASE("an archive of the same model has the same bytes and no time in it") {
  const std::vector<std::byte> bytes = encode_npz(random_model(5));
  CHECK(bytes == encode_npz(random_model(5)));
  // Local header: time 00:00, 1 January 1980.
  CHECK(bytes[10] == std::byte{0});
  CHECK(bytes[11] == std::byte{0});
  CHECK(bytes[12] == std::byte{0x21});
  CHECK(bytes[13] == std::byte{0});
}

TEST_CASE("the NumPy reader, the archive and a NumPy network agree with the program") {
  const std::string program = python_with("numpy");
  if (program.empty()) SCNN_SKIP("python3 with numpy is not installed");
  const TemporaryFolder folder;
  const auto backend = backend_for(Device{}, BackendOptions{1});
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    PackedModel model = random_model(1000 + seed);
    if (seed % 2 == 1) {
      try {
        model = trim(model, *backend);
      } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::training);
      }
    }
    const std::string stem = (folder.path() / std::to_string(seed)).string();
    write_file(stem + ".scnn", encode(model));
    write_npz(model, stem + ".npz");
    const auto graph = unpack(model, *backend);
    const Tensor x = random_images(*graph, 3);
    save_npy(stem + ".images.npy", x);
    save_npy(stem + ".logits.npy", graph->forward(x, Pass{}));
  }
  // Tests run at the top of the tree; __FILE__ may be a path relative to anywhere (ccache).
  CHECK(std::system((program + " tests/export/check_reader.py '" + folder.path().string() + "'").c_str()) == 0);
}

TEST_CASE("every number of an archive is read back, none is taken from the model at hand") {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const PackedModel model = random_model(1000 + seed);
    PackedModel altered = model;
    for (float& value : altered.normalization.mean) value += 1;
    for (float& value : altered.normalization.std) value += 1;
    for (PackedAffine& affine : altered.affines) {
      for (float& value : affine.a) value += 1;
      for (float& value : affine.c) value -= 1;
    }
    for (PackedLayer& layer : altered.layers) {
      for (float& value : layer.weights) value += 1;
      for (float& value : layer.bias) value += 1;
      for (IntegerChannel& channel : layer.channels) {
        channel.scale += 1;
        for (std::int32_t& value : channel.integers) value += 1;
      }
    }
    write_npz(altered, folder / "model.npz");
    CHECK(scnn::test::difference(read_npz(folder / "model.npz", model), altered).empty());
  }
}

TEST_CASE("an archive of another model is refused, and what differs named") {
  const TemporaryFolder folder;
  const auto message = [&](const PackedModel& wanted) -> std::string {
    try {
      static_cast<void>(read_npz(folder / "model.npz", wanted));
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::check);
      return error.what();
    }
    return "";
  };
  const PackedModel model = random_model(1000);
  write_npz(model, folder / "model.npz");
  CHECK(message(model).empty());
  PackedModel other = model;
  other.name = "neT";
  CHECK(message(other).find("network") != std::string::npos);
  CHECK_FALSE(message(random_model(1001)).empty());
}
