#include "export/calibrate.h"

#include <cmath>

#include "catch.h"
#include "export/loaded_runtime.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"

using namespace scnn;

namespace {

constexpr std::int64_t images = 1000, side = 20;

/// A linear layer on images of one channel, behind a flatten.
PackedModel model(std::int32_t weight) {
  PackedModel model;
  model.name = "net";
  model.network = {{"in", InputSpec{1, side, side}, {}, ""},
                   {"flat", FlattenSpec{}, {0}, ""},
                   {"fc", LinearSpec{1, false}, {1}, ""}};
  model.sets = {ChannelSet(1), ChannelSet(1)};
  model.layers.resize(3);
  model.affines.resize(3);
  model.layers[2].shape = {1, side, side, 1};
  model.layers[2].channels = {{8, 1, std::vector<std::int32_t>(side * side, weight)}};
  return model;
}

Tensor uniform_images(float low, float high) {
  Tensor x = Tensor::host({images, side, side, 1});
  const RandomStream stream(3, Stream::probe);
  std::uint64_t next = 0;
  for (float& value : x.values<float>()) value = low + (high - low) * uniform(stream.draws(next++).v[0]);
  return x;
}

ActivationQuantization quantization_of(const Tensor& x) {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  PackedModel of = model(127);
  calibrate(of, *backend, x);
  REQUIRE(of.activations.size() == 3);
  CHECK(of.activations[1] == ActivationQuantization{});  // a flattened image has those of the image
  CHECK(of.activations[2] == ActivationQuantization{});
  return of.activations[0];
}

double squared_error(const Tensor& x, double step, int zero) {
  double sum = 0;
  for (const float value : x.values<float>()) {
    const double byte = std::min(std::max(std::rint(static_cast<double>(value) / step) + zero, 0.0), 255.0);
    sum += std::pow(step * (byte - zero) - static_cast<double>(value), 2);
  }
  return sum;
}

}  // namespace

TEST_CASE("calibration finds the ends of what it sees, 0 between them") {
  const ActivationQuantization both = quantization_of(uniform_images(-1, 3));
  CHECK(both.scale == Approx(4.0 / 255).epsilon(0.04));
  CHECK(both.zero_point == Approx(64).margin(2));
  const ActivationQuantization above = quantization_of(uniform_images(2, 3));
  CHECK(above.scale == Approx(3.0 / 255).epsilon(0.04));
  CHECK(above.zero_point == 0);
  const ActivationQuantization below = quantization_of(uniform_images(-3, -2));
  CHECK(below.scale == Approx(3.0 / 255).epsilon(0.04));
  CHECK(below.zero_point >= 254);
  CHECK(quantization_of(uniform_images(0, 0)).scale > 0);
}

TEST_CASE("calibration clips an outlier where all others gain by it") {
  Tensor x = uniform_images(0, 1);
  x.values<float>()[77] = 10;
  const ActivationQuantization found = quantization_of(x);
  CHECK(found.scale < 8.0F / 255);
  CHECK(squared_error(x, static_cast<double>(found.scale), found.zero_point) < 0.9 * squared_error(x, 10.0 / 255, 0));
  x = uniform_images(0, 1);
  for (std::size_t i = 0; i < 400; ++i) x.values<float>()[1000 * i] = 1.2F;  // too many to be outliers
  CHECK(quantization_of(x).scale > 1.1F / 255);
}

TEST_CASE("a network without a layer that can read bytes is not calibrated") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  PackedModel wide = model(128);
  try {
    calibrate(wide, *backend, uniform_images(0, 1));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(std::string(error.what()).find("8 bits") != std::string::npos);
  }
}

TEST_CASE("the runtime's refusals name the file, and are of their kind") {
  const std::vector<std::byte> file = encode(model(1));
  const auto kind = [](std::span<const std::byte> bytes, const scnn_rt_options& options) {
    try {
      const LoadedRuntime loaded(bytes, "the/file", options);
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("the/file") == 0);
      return error.kind();
    }
    return ErrorKind::bug;
  };
  CHECK(kind(file, {1, SCNN_RT_AUTO, SCNN_RT_BYTES}) == ErrorKind::usage);
  CHECK(kind(std::span(file).first(9), {1, SCNN_RT_AUTO, SCNN_RT_FLOATS}) == ErrorKind::checkpoint);
  const LoadedRuntime loaded(file, "the/file", {1, SCNN_RT_AUTO, SCNN_RT_FLOATS});
  CHECK(loaded.image_size() == side * side);
  CHECK(loaded.label(0) == "0");
  CHECK(loaded.logits(std::span<const float>(std::vector<float>(2 * side * side, 1.0F))) ==
        std::vector<float>(2, side * side));
}
