#include <array>
#include <cstdlib>
#include <cstring>

#include "catch.h"
#include "files.h"
#include "scnn/core/error.h"
#include "scnn/packed/packed.h"

using namespace scnn::test;

TEST_CASE("a file written by hand loads, and computes what its bytes say") {
  const Bytes file = file_around(tiny_body());
  scnn_rt_error error = {};
  scnn_runtime* runtime = nullptr;
  REQUIRE(scnn_rt_load(file.data(), file.size(), nullptr, nullptr, 0, &runtime, &error) == SCNN_RT_OK);
  const scnn_rt_info info = scnn_rt_describe(runtime);
  CHECK(std::string(info.name) == "abc");
  CHECK(info.height == 2);
  CHECK(info.width == 2);
  CHECK(info.channels == 1);
  CHECK(info.classes == 2);
  CHECK(info.weights == 8);
  CHECK(info.multiplications == 8);
  CHECK(std::string(scnn_rt_class_name(runtime, 1)) == "y");
  CHECK(scnn_rt_class_name(runtime, 2) == nullptr);
  const std::array<float, 4> image = {1, 10, 100, 1000};
  std::array<float, 2> logits = {};
  REQUIRE(scnn_rt_run(runtime, image.data(), 1, logits.data()) == SCNN_RT_OK);
  CHECK(logits[0] == 2 * (1 + 20 + 300 + 4000) + 1);
  CHECK(logits[1] == 0.5F * (-1 + 100 - 1000));
  // (v / 255 - 0.5) / 0.25
  const std::array<std::uint8_t, 4> pixels = {255, 0, 0, 0};
  REQUIRE(scnn_rt_run_u8(runtime, pixels.data(), 1, logits.data()) == SCNN_RT_OK);
  CHECK(logits[0] == 2 * (1 * 2 - 2 * (2 + 3 + 4)) + 1);
  CHECK(scnn_rt_run(runtime, nullptr, 1, logits.data()) == SCNN_RT_ARGUMENT);
  CHECK(scnn_rt_run(runtime, nullptr, 0, nullptr) == SCNN_RT_OK);
  scnn_rt_free(runtime);
  scnn_rt_free(nullptr);
}

TEST_CASE("a runtime lives in the caller's block, of any alignment") {
  const Bytes file = file_around(tiny_body());
  std::size_t bytes = 0;
  REQUIRE(scnn_rt_memory(file.data(), file.size(), nullptr, &bytes, nullptr) == SCNN_RT_OK);
  for (const std::size_t skew : {0U, 1U, 63U}) {
    std::vector<char> block(bytes + skew);
    scnn_runtime* runtime = nullptr;
    scnn_rt_error error = {};
    CHECK(scnn_rt_load(file.data(), file.size(), nullptr, block.data() + skew, bytes - 1, &runtime, &error) ==
          SCNN_RT_MEMORY);
    CHECK(runtime == nullptr);
    CHECK(std::string(error.message).find(std::to_string(bytes) + " are needed") != std::string::npos);
    REQUIRE(scnn_rt_load(file.data(), file.size(), nullptr, block.data() + skew, bytes, &runtime, nullptr) ==
            SCNN_RT_OK);
    CHECK(reinterpret_cast<char*>(runtime) >= block.data());
    CHECK(reinterpret_cast<char*>(runtime) < block.data() + block.size());
    CHECK(scnn_rt_describe(runtime).memory_bytes == bytes);
    scnn_rt_free(runtime);
  }
}

TEST_CASE("what is wrong with a file has a status and a message") {
  const Bytes good = file_around(tiny_body());
  Bytes file = good;
  file[0] = 'X';
  CHECK(load_error(file).status == SCNN_RT_FORMAT);
  CHECK(load_error({'S'}).status == SCNN_RT_FORMAT);
  file = good;
  file[4] = 1;
  CHECK(load_error(file).status == SCNN_RT_VERSION);
  CHECK(std::string(load_error(file).message) == "its format version is 1, this runtime reads version 2");
  file = good;
  file.back() ^= 1;
  CHECK(load_error(file).status == SCNN_RT_CHECKSUM);
  for (std::size_t size = 5; size < good.size(); ++size) {
    CHECK(load_error(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))).status == SCNN_RT_LENGTH);
  }
  file = good;
  file.push_back(0);
  CHECK(load_error(file).status == SCNN_RT_LENGTH);

  const auto body_error = [](std::size_t at, std::uint8_t value) {
    Bytes body = tiny_body();
    body.at(at) = value;
    return load_error(file_around(body));
  };
  CHECK(std::string(body_error(28, 3).message) == "layer 'linear_0': its weights do not fit the image it reads");
  CHECK(body_error(13, 0x7C).status == SCNN_RT_DAMAGED);   // a mean that is not finite
  CHECK(body_error(18, 0).status == SCNN_RT_DAMAGED);      // no layers
  CHECK(body_error(24, 7).status == SCNN_RT_DAMAGED);      // scale in the flatten's place
  CHECK(body_error(26, 15).status == SCNN_RT_DAMAGED);     // an unknown type
  CHECK(body_error(27, 11).status == SCNN_RT_DAMAGED);     // unknown flags
  CHECK(body_error(45, 0b11100100).status == SCNN_RT_OK);  // the byte that is there
  const auto with_mean = [](const Bytes& float32) {        // in place of a half
    Bytes body = tiny_body();
    body.erase(body.begin() + 10, body.begin() + 14);
    body.insert(body.begin() + 10, float32.begin(), float32.end());
    return load_error(file_around(body));
  };
  CHECK(with_mean({0, 0, 0, 0, 0x3F}).status == SCNN_RT_OK);
  CHECK(with_mean({0, 0, 0, 0xC0, 0x7F}).status == SCNN_RT_DAMAGED);
  Bytes body = tiny_body();
  body.push_back(0);
  CHECK(std::string(load_error(file_around(body)).message) == "bytes are left over behind the last layer");
}

TEST_CASE("every truncated body, and every byte altered, is read or refused") {
  const Bytes body = tiny_body();
  for (std::size_t size = 0; size < body.size(); ++size) {
    CHECK(load_error(file_around(Bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size)))).status !=
          SCNN_RT_OK);
  }
  for (std::size_t at = 0; at < body.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes altered = body;
      altered[at] = static_cast<std::uint8_t>(value);
      const Bytes file = file_around(altered);
      std::size_t bytes = 0;
      (void)scnn_rt_memory(file.data(), file.size(), nullptr, &bytes, nullptr);
    }
  }
}

TEST_CASE("coded ranges stand in increasing order") {
  Bytes body = tiny_body();
  body.resize(41);
  const Bytes ordered = {1, 2, 1, 2, 2, 3}, unordered = {1, 2, 2, 3, 1, 2};  // -1 to 1, 1 to 4
  const auto message = [&](const Bytes& ranges) {
    Bytes whole = body;
    whole.insert(whole.end(), ranges.begin(), ranges.end());
    const Bytes file = file_around(whole);
    bool program_reads = true;
    try {
      (void)scnn::decode(std::as_bytes(std::span(file)), "test");
    } catch (const scnn::Error& error) {
      program_reads = false;
    }
    const scnn_rt_error error = load_error(file);
    CHECK(program_reads == (error.status == SCNN_RT_OK));
    return std::string(error.message);
  };
  CHECK(message(unordered) == "the ranges are not in increasing order");
  CHECK(message(ordered) == "a range belongs to no channel");  // a code of zeros alone: the second for both
}

TEST_CASE("a zero byte in a name does not end it") {
  Bytes body = tiny_body();
  body[6] = 0;  // of the first class
  const Bytes file = file_around(body);
  scnn_runtime* runtime = nullptr;
  REQUIRE(scnn_rt_load(file.data(), file.size(), nullptr, nullptr, 0, &runtime, nullptr) == SCNN_RT_OK);
  CHECK(std::string(scnn_rt_class_name(runtime, 0)) == "\xC0\x80");
  scnn_rt_free(runtime);
}

TEST_CASE("integers of any size keep their value") {
  for (const std::int32_t value : {127, 128, -128, -129, 32'767, 32'768, -32'768, -32'769, 1 << 30}) {
    scnn::PackedModel model;
    model.name = "net";
    model.network = {{"in", scnn::InputSpec{1, 1, 2}, {}, ""},
                     {"f", scnn::FlattenSpec{}, {0}, ""},
                     {"fc", scnn::LinearSpec{1, false}, {1}, ""}};
    model.sets = {scnn::ChannelSet(1), scnn::ChannelSet(1)};
    model.layers.resize(3);
    model.affines.resize(3);
    scnn::IntegerChannel channel;
    channel.scale = 1;
    channel.integers = {value, 3};
    model.layers[2].channels = {channel};
    model.layers[2].shape = {1, 1, 2, 1};
    const auto file = scnn::encode(model);
    for (const scnn_rt_path path : {SCNN_RT_PORTABLE, SCNN_RT_AUTO}) {
      const scnn_rt_options options = {1, path, SCNN_RT_AS_CALIBRATED};
      scnn_runtime* runtime = nullptr;
      REQUIRE(scnn_rt_load(file.data(), file.size(), &options, nullptr, 0, &runtime, nullptr) == SCNN_RT_OK);
      const std::array<float, 2> image = {1, 0};
      float logit = 0;
      REQUIRE(scnn_rt_run(runtime, image.data(), 1, &logit) == SCNN_RT_OK);
      CHECK(logit == static_cast<float>(value));
      scnn_rt_free(runtime);
    }
  }
}

TEST_CASE("options out of range and files that are not there are refused") {
  const Bytes file = file_around(tiny_body());
  scnn_runtime* runtime = nullptr;
  scnn_rt_error error = {};
  for (const int threads : {-1, 65}) {
    const scnn_rt_options options = {threads, SCNN_RT_AUTO, SCNN_RT_AS_CALIBRATED};
    CHECK(scnn_rt_load(file.data(), file.size(), &options, nullptr, 0, &runtime, &error) == SCNN_RT_ARGUMENT);
  }
  int refused = 0;  // no processor has all
  for (const scnn_rt_path path : {SCNN_RT_AVX2, SCNN_RT_AVX512, SCNN_RT_NEON}) {
    const scnn_rt_options options = {1, path, SCNN_RT_AS_CALIBRATED};
    const scnn_rt_status status = scnn_rt_load(file.data(), file.size(), &options, nullptr, 0, &runtime, &error);
    CHECK((status == SCNN_RT_OK || status == SCNN_RT_PATH));
    refused += status == SCNN_RT_PATH ? 1 : 0;
    scnn_rt_free(runtime);
  }
  CHECK(refused >= 1);
  CHECK(scnn_rt_load(nullptr, 0, nullptr, nullptr, 0, &runtime, &error) == SCNN_RT_ARGUMENT);
  CHECK(scnn_rt_load_file("no/such.scnn", nullptr, &runtime, &error) == SCNN_RT_FILE);
  CHECK(std::string(error.message) == "cannot read no/such.scnn");
  for (int status = 0; status <= SCNN_RT_PATH; ++status) {
    CHECK(std::strlen(scnn_rt_strerror(static_cast<scnn_rt_status>(status))) > 6);
  }
}
