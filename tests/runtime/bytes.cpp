#include <array>
#include <cstdlib>

#include "core/file.h"
#include "core/python.h"
#include "export/loaded_runtime.h"
#include "export/npz.h"
#include "files.h"
#include "networks.h"
#include "save_npy.h"
#include "temporary_folder.h"

using namespace scnn;

namespace {

/// tiny_body() with a scale of its input: bytes stand for 0.5 * (byte - 10).
test::Bytes calibrated_body() {
  test::Bytes body = test::tiny_body();
  const auto form = body.end() - 5;
  REQUIRE(*form == 0);
  *form = 2;
  const test::Bytes activations = {0b001, 2, 0xFF, 10};  // a mask of three layers, a step of 2^-1, a zero
  body.insert(form + 1, activations.begin(), activations.end());
  return body;
}

std::array<float, 2> logits_of(const test::Bytes& file, const std::array<float, 4>& image, scnn_rt_activations how) {
  const LoadedRuntime loaded(std::as_bytes(std::span(file)), "test", {1, SCNN_RT_AUTO, how});
  CHECK(loaded.info().byte_layers == (how == SCNN_RT_FLOATS ? 0 : 1));
  const std::vector<float> logits = loaded.logits(std::span<const float>(image));
  return {logits.at(0), logits.at(1)};
}

std::vector<float> run(const std::vector<std::byte>& file, const Tensor& x, const scnn_rt_options& options) {
  return LoadedRuntime(file, "test", options).logits(x.values<float>());
}

}  // namespace

TEST_CASE("bytes written by hand: rounded to even, clipped, summed as whole numbers") {
  const test::Bytes file = test::file_around(calibrated_body());
  // 1 -> 2 * 0.5; 0.75 -> 1.5, to even: 2; 1.25 -> 2.5, to even: 2; 1000 -> the largest, 245 * 0.5.
  const std::array<float, 4> image = {1, 0.75F, 1.25F, 1000};
  const auto floats = logits_of(file, image, SCNN_RT_FLOATS);
  CHECK(floats[0] == 2 * (1 + 2 * 0.75F + 3 * 1.25F + 4000) + 1);
  for (const scnn_rt_activations how : {SCNN_RT_AS_CALIBRATED, SCNN_RT_BYTES}) {
    const auto bytes = logits_of(file, image, how);
    CHECK(bytes[0] == 2 * (1 + 2 * 1 + 3 * 1 + 4 * 122.5F) + 1);
    CHECK(bytes[1] == 0.5F * (-1 + 1 - 122.5F));
  }
  // The least is -10 * 0.5.
  CHECK(logits_of(file, {-1000, 0, 0, 0}, SCNN_RT_BYTES)[0] == 2 * -5 + 1);
}

TEST_CASE("uint8 activations are refused without scales in the file, and with impossible ones") {
  const scnn_rt_options bytes = {1, SCNN_RT_AUTO, SCNN_RT_BYTES};
  const test::Bytes plain = test::file_around(test::tiny_body());
  scnn_runtime* runtime = nullptr;
  scnn_rt_error error = {};
  CHECK(scnn_rt_load(plain.data(), plain.size(), &bytes, nullptr, 0, &runtime, &error) == SCNN_RT_PATH);
  CHECK(std::string(error.message).find("--calibrate") != std::string::npos);
  const auto with = [](std::ptrdiff_t at, std::uint8_t value) {
    test::Bytes body = calibrated_body();
    *(body.end() - 8 + at) = value;
    const test::Bytes file = test::file_around(body);
    CHECK_THROWS_AS(decode(std::as_bytes(std::span(file)), "test"), Error);
    return test::load_error(file);
  };
  CHECK(test::load_error(test::file_around(calibrated_body())).status == SCNN_RT_OK);
  CHECK(std::string(with(0, 0b010).message).find("flattened") != std::string::npos);
  CHECK(std::string(with(0, 0b1001).message).find("mask") != std::string::npos);
  CHECK(with(0, 0).status == SCNN_RT_DAMAGED);
  CHECK(std::string(with(2, 0x83).message).find("step") != std::string::npos);  // 2^-125
  CHECK(with(2, 0x81).status == SCNN_RT_DAMAGED);                               // 2^-127: no float
  CHECK(with(1, 3).status == SCNN_RT_DAMAGED);                                  // an unknown form of numbers
}

TEST_CASE("calibrated files are read and written to the same bytes; only scales are added") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  int calibrated = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto made = test::make_calibrated(60'000 + seed, *backend);
    if (!made) continue;
    ++calibrated;
    const std::vector<std::byte> file = encode(made->model);
    const PackedModel back = decode(file, "test");
    CHECK(back.activations == made->model.activations);
    CHECK(encode(back) == file);
    PackedModel plain = back;
    plain.activations.clear();
    CHECK(run(file, made->x, {1, SCNN_RT_AUTO, SCNN_RT_FLOATS}) ==
          run(encode(plain), made->x, {1, SCNN_RT_AUTO, SCNN_RT_AS_CALIBRATED}));
  }
  CHECK(calibrated > 30);
}

TEST_CASE("with bytes every path computes the same bits, however many threads") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  const bool has_avx2 = test::has(SCNN_RT_AVX2), has_avx512 = test::has(SCNN_RT_AVX512);
  int compared = 0, layers = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = test::make_calibrated(70'000 + seed, *backend);
    if (!made) continue;
    INFO("network " << seed);
    const std::vector<std::byte> file = encode(made->model);
    const auto one = run(file, made->x, {1, SCNN_RT_AUTO, SCNN_RT_BYTES});
    CHECK(test::same_bits(run(file, made->x, {3, SCNN_RT_AUTO, SCNN_RT_BYTES}), one));
    const int bytes = LoadedRuntime(file, "test", {1, SCNN_RT_AUTO, SCNN_RT_BYTES}).info().byte_layers;
    if (!has_avx2 || bytes != test::weighted_layers(made->model)) continue;  // sums of floats depend on the path
    CHECK(test::same_bits(run(file, made->x, {1, SCNN_RT_PORTABLE, SCNN_RT_BYTES}), one));
    CHECK(test::same_bits(run(file, made->x, {1, SCNN_RT_AVX2, SCNN_RT_BYTES}), one));
    ++compared;
    layers += bytes;
  }
  if (!has_avx2) SCNN_SKIP("this processor has no AVX2");
  CHECK(compared > 60);
  CHECK(layers > 120);
  if (!has_avx512) SCNN_SKIP("this processor has no AVX-512 with VNNI: the others were compared");
}

TEST_CASE("weights of every size up to 8 bits, on bytes of every value: no sum leaves 16 bits") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  for (const std::int32_t largest : {1, 7, 64, 65, 127, 128}) {
    for (const std::int64_t inputs : {1, 3, 8, 130}) {
      PackedModel model;
      model.name = "net";
      model.network = {{"in", InputSpec{inputs, 1, 2}, {}, ""},
                       {"f", FlattenSpec{}, {0}, ""},
                       {"fc", LinearSpec{18, false}, {1}, ""}};
      model.sets = {ChannelSet(static_cast<std::int32_t>(inputs)), ChannelSet(18)};
      model.layers.resize(3);
      model.affines.resize(3);
      model.layers[2].shape = {18, 1, 2, inputs};
      for (int o = 0; o < 18; ++o) {
        IntegerChannel channel;
        channel.scale = 1;
        for (std::int64_t i = 0; i < 2 * inputs; ++i) {
          const std::int32_t w = (o + i) % 3 == 0 || o < 4 ? -largest : std::min(largest, 127);
          channel.integers.push_back(o == 17 ? 0 : o == 16 ? -w - 1 : w);
        }
        model.layers[2].channels.push_back(channel);
      }
      model.activations = {{1, 3}, {}, {}};
      const std::vector<std::byte> file = encode(model);
      for (const float value : {252.0F, -3.0F, 0.0F, 251.4F}) {
        const std::vector<float> image(static_cast<std::size_t>(2 * inputs), value);
        for (const scnn_rt_path path : {SCNN_RT_PORTABLE, SCNN_RT_AVX2, SCNN_RT_AUTO}) {
          if (!test::has(path)) continue;
          const LoadedRuntime loaded(file, "test", {1, path, SCNN_RT_BYTES});
          REQUIRE(loaded.info().byte_layers == 1);
          const std::vector<float> found = loaded.logits(std::span<const float>(image));
          for (std::size_t o = 0; o < 18; ++o) {
            std::int64_t sum = 0;
            for (const std::int32_t w : model.layers[2].channels[o].integers) sum += std::lrint(value) * w;
            INFO(largest << " " << inputs << " " << value << " output " << o);
            CHECK(found[o] == static_cast<float>(sum));
          }
        }
      }
    }
  }
}

TEST_CASE("with bytes the runtime computes what a NumPy network does that rounds activations") {
  const std::string program = python_with("numpy");
  if (program.empty()) SCNN_SKIP("python3 with numpy is not installed");
  const test::TemporaryFolder folder;
  const auto backend = backend_for(Device{}, BackendOptions{1});
  int count = 0;
  for (std::uint64_t seed = 0; count < 60; ++seed) {
    const auto made = test::make_calibrated(80'000 + seed, *backend);
    if (!made) continue;
    const std::string stem = (folder.path() / std::to_string(count++)).string();
    const std::vector<std::byte> file = encode(made->model);
    write_file(stem + ".scnn", file);
    write_npz(made->model, stem + ".npz");
    test::save_npy(stem + ".images.npy", made->x);
    const std::vector<float> logits = run(file, made->x, {1, SCNN_RT_AUTO, SCNN_RT_BYTES});
    const auto n = static_cast<std::int64_t>(test::case_images);
    test::save_npy(stem + ".logits.npy",
                   Tensor::of({n, static_cast<std::int64_t>(logits.size()) / n}, std::span<const float>(logits)));
  }
  // Tests run at the top of the tree.
  CHECK(std::system((program + " tests/runtime/check_bytes.py '" + folder.path().string() + "'").c_str()) == 0);
}
