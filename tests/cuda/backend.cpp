#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "emulator/device.h"
#include "emulator/memory.h"
#include "op_cases.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"

namespace scnn::test {
namespace {

constexpr Device gpu_0{DeviceType::cuda, 0};

std::string message_of(ErrorKind kind, const auto& action) {
  try {
    action();
  } catch (const Error& e) {
    CHECK(e.kind() == kind);
    return e.what();
  }
  FAIL("no error");
  return {};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Tensor random_tensor(Backend& backend, const Shape& shape, std::uint32_t seed) {
  return upload(backend, {{"x", uniform_array(shape, seed)}}).at("x");
}

Tensor tensor_of(Backend& backend, const Shape& shape, const std::vector<float>& values) {
  Tensor tensor = backend.allocate(shape);
  set_values(backend, values, tensor);
  return tensor;
}

/// Changes of the emulated device end with the test.
struct Restored {
  ~Restored() {
    emulator::device() = {};
    emulator::limit_device_bytes(emulator::device_bytes);
  }
};

}  // namespace

TEST_CASE("the CUDA backend describes its device", "[cuda]") {
  const auto backend = backend_for(gpu_0);
  CHECK(backend->device() == gpu_0);
  CHECK(backend->description() == "emulated device, compute capability 9.0, 1 multiprocessors, CUDA 13.0");
  CHECK(cuda_unusable_because().empty());
}

TEST_CASE("an unusable GPU says why, and how to get one", "[cuda]") {
  const Restored restored;
  emulator::Device& device = emulator::device();
  const auto message = [](int index) {
    return message_of(ErrorKind::device, [index] { (void)backend_for({DeviceType::cuda, index}); });
  };
  CHECK(message(3) ==
        "cannot use cuda:3: this machine has 1 NVIDIA GPU, cuda:0 to cuda:0; use one of them, or set "
        "device.type: cpu");
  device.major = 7;
  device.minor = 5;
  CHECK(contains(message(0), "compute capability 7.5, the kernels need 8.0 or later"));
  device.major = 9;
  CHECK(message_of(ErrorKind::device, [] {
          emulator::device().count = 0;
          (void)backend_for(gpu_0);
        }).find("no NVIDIA GPU") != std::string::npos);
  device.count = 1;
  device.driver = cudaErrorInsufficientDriver;
  CHECK(contains(message(0), "no usable NVIDIA driver (CUDA driver version is insufficient"));
  CHECK(contains(cuda_unusable_because(), "supports CUDA 13.0"));
  device.driver = cudaErrorNoDevice;
  CHECK(contains(message(0), "no NVIDIA GPU"));
}

TEST_CASE("out of device memory names the bytes asked for", "[cuda]") {
  const Restored restored;
  const auto backend = backend_for(gpu_0);
  const std::string message = message_of(ErrorKind::memory, [&] { (void)backend->allocate({1 << 20, 1 << 12}); });
  CHECK(contains(message, "17179869184 bytes asked for"));
  CHECK(contains(message, "of 1073741824 free"));
  // The backend goes on.
  CHECK(backend->sum_of_squares(backend->allocate({5})) == 0);
}

TEST_CASE("what the CUDA runtime refuses is an error with its words", "[cuda]") {
  const auto backend = backend_for(gpu_0);
  Tensor x = backend->allocate({8});
  emulator::fail_next("launch", cudaErrorNoKernelImageForDevice);
  CHECK(message_of(ErrorKind::device, [&] { backend->fill(x, 1); }) ==
        "fill: the kernel could not be launched: no kernel image is available for execution on the device");
  emulator::fail_next("cudaStreamSynchronize", cudaErrorIllegalAddress);
  CHECK(contains(message_of(ErrorKind::device, [&] { backend->synchronize(); }), "illegal memory access"));
  backend->fill(x, 2);
  CHECK(backend->sum_of_squares(x) == 32);
}

TEST_CASE("tensors of another device, wrong shapes and values are bugs", "[cuda]") {
  const auto backend = backend_for(gpu_0);
  Tensor a = backend->allocate({2, 3});
  Tensor b = backend->allocate({3, 2});
  Tensor host = Tensor::host({2, 3});
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->scale(a, 1, b); }), "[2, 3]"));
  CHECK(message_of(ErrorKind::bug, [&] { backend->scale(host, 1, a); }) ==
        "scale: a tensor [2, 3] is on cpu, not on cuda:0");
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->copy(a, b = backend->allocate({7})); }), "copy"));
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->dropout(a, 1.0F, {0, Stream::dropout}, a); }), "rate"));

  // Values are seen by kernels, and told by the next wait.
  Tensor picked = backend->allocate({2, 1});
  const std::vector<std::int32_t> beyond{3};
  backend->gather(a, 1, device_indices(*backend, beyond), false, picked);
  CHECK(message_of(ErrorKind::bug, [&] { backend->synchronize(); }) == "gather: index 3 is outside [-1, 3)");
  backend->synchronize();
  Tensor loss = backend->allocate({1});
  Tensor predicted = backend->allocate({1}, DType::int32);
  for (const std::int32_t label : {-1, 3}) {
    const std::vector<std::int32_t> labels{label};
    backend->softmax_cross_entropy(backend->allocate({1, 3}), device_indices(*backend, labels), 0, loss, predicted,
                                   nullptr);
    CHECK(message_of(ErrorKind::bug, [&] { (void)host_values(*backend, loss); }) ==
          "softmax_cross_entropy: label " + std::to_string(label) + " is outside [0, 3)");
  }
}

TEST_CASE("memory outlives the backend and is given back", "[cuda]") {
  const std::size_t before = emulator::device_bytes_in_use();
  {
    auto backend = backend_for(gpu_0);
    const Tensor kept = random_tensor(*backend, {1000}, 1);
    backend.reset();
    CHECK(emulator::device_bytes_in_use() >= before + 4000);
  }
  CHECK(emulator::device_bytes_in_use() == before);
}

TEST_CASE("what is not finite stays visible on the GPU", "[cuda]") {
  const auto backend = backend_for(gpu_0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity}) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{1}}) {
      std::vector<float> values{0.5F, 1, -2};
      values[place] = bad;
      const Tensor logits = tensor_of(*backend, {1, 3}, values);
      const std::vector<std::int32_t> label{2};
      Tensor loss = backend->allocate({1});
      Tensor predicted = backend->allocate({1}, DType::int32);
      backend->softmax_cross_entropy(logits, device_indices(*backend, label), 0, loss, predicted, nullptr);
      CHECK_FALSE(std::isfinite(host_values(*backend, loss)[0]));
      CHECK_FALSE(std::isfinite(backend->sum_of_squares(logits)));
      Tensor y = backend->allocate({1, 3});
      backend->relu_forward(logits, y);
      CHECK_FALSE(std::isfinite(host_values(*backend, y)[place]));
    }
  }
  Pool2d pool{.batch = 1, .in_h = 2, .in_w = 2, .out_h = 1, .out_w = 1, .channels = 1};
  pool.window = {2, 2, 2, 2, 0, 0, 1, 1};
  for (std::size_t place = 0; place < 4; ++place) {
    std::vector<float> values{1, 2, 3, 4};
    values[place] = nan;
    Tensor y = backend->allocate({1, 1, 1, 1});
    Tensor argmax = backend->allocate({1, 1, 1, 1}, DType::uint8);
    backend->max_pool2d_forward(pool, tensor_of(*backend, {1, 2, 2, 1}, values), y, argmax);
    CHECK(std::isnan(host_values(*backend, y)[0]));
  }
}

TEST_CASE("the GPU's sum of squares is a double sum, the same in any schedule", "[cuda]") {
  const Restored restored;
  const auto backend = backend_for(gpu_0);
  const Array values = uniform_array({70001}, 3);
  long double sum = 0;
  for (const double v : values.values) sum += static_cast<long double>(v) * v;
  const Tensor x = upload(*backend, {{"x", values}}).at("x");
  std::set<double> results;
  for (const unsigned seed : {1U, 2U, 3U}) {
    emulator::device().seed = seed;
    results.insert(backend->sum_of_squares(x));
  }
  CHECK(results.size() == 1);
  CHECK(*results.begin() == Approx(static_cast<double>(sum)).epsilon(1e-13));
  CHECK(backend->sum_of_squares(backend->allocate({0})) == 0);
}

TEST_CASE("dropout draws what the CPU draws", "[cuda]") {
  const auto cpu = backend_for({}, {.threads = 1});
  const auto backend = backend_for(gpu_0);
  const Shape shape{3, 7, 7, 23};
  Tensor expected = cpu->allocate(shape);
  Tensor y = backend->allocate(shape);
  const RandomStream stream(7, Stream::dropout, 2);
  cpu->dropout(random_tensor(*cpu, shape, 1), 0.4F, stream, expected);
  backend->dropout(random_tensor(*backend, shape, 1), 0.4F, stream, y);
  CHECK(host_values(*backend, y) == host_values(*cpu, expected));
}

TEST_CASE("statistics over many rows equal the CPU's", "[cuda]") {
  // More rows than a slice has, and channels that do not fill a block.
  const auto cpu = backend_for({}, {.threads = 1});
  const auto backend = backend_for(gpu_0);
  for (const std::int64_t channels : {1, 17, 40}) {
    const Shape shape{40, 9, 9, channels};
    const auto run = [&](Backend& b) {
      const Shape row{channels};
      const auto c = [&] { return b.allocate(row); };
      Tensor running_mean = c(), running_var = c(), mean = c(), inv_std = c(), dscale = c(), dshift = c();
      Tensor y = b.allocate(shape), dx = b.allocate(shape);
      const Tensor x = random_tensor(b, shape, 1);
      const Tensor scale = random_tensor(b, row, 2);
      b.batch_norm_statistics(x, {1e-5F, 0.1F, nullptr, &running_mean, &running_var, &mean, &inv_std});
      const Tensor shift = random_tensor(b, row, 3);
      const BatchNorm norm{&scale, &shift, &mean, &inv_std, Activation::relu};
      b.batch_norm_forward(x, norm, y);
      b.batch_norm_backward(x, y, random_tensor(b, shape, 4), norm, dx, dscale, dshift);
      return std::vector{download(b, running_var), download(b, inv_std), download(b, dscale), download(b, dshift),
                         download(b, dx)};
    };
    const auto want = run(*cpu);
    const auto got = run(*backend);
    for (std::size_t k = 0; k < want.size(); ++k) {
      double largest = 0;
      for (const double v : want[k].values) largest = std::fmax(largest, std::fabs(v));
      double worst = 0;
      for (std::int64_t i = 0; i < want[k].size(); ++i) worst = std::fmax(worst, std::fabs(got[k][i] - want[k][i]));
      INFO(channels << " channels, result " << k);
      CHECK(worst <= 1e-5 * largest);
    }
  }
}

TEST_CASE("the GPU's batch norm with relu equals batch norm, then relu", "[cuda]") {
  const auto backend = backend_for(gpu_0);
  const Shape shape{4, 6, 6, 19};
  const Shape channels{19};
  const Tensor x = random_tensor(*backend, shape, 1);
  const Tensor scale = random_tensor(*backend, channels, 2);
  const Tensor shift = random_tensor(*backend, channels, 3);
  const Tensor dy = random_tensor(*backend, shape, 4);
  struct Results {
    Tensor running_mean, running_var, mean, inv_std, y, dx, dscale, dshift;
  };
  const auto make = [&] {
    const auto c = [&] { return backend->allocate(channels); };
    return Results{c(), c(), c(), c(), backend->allocate(shape), backend->allocate(shape), c(), c()};
  };
  Results fused = make();
  backend->batch_norm_statistics(
      x, {1e-5F, 0.1F, nullptr, &fused.running_mean, &fused.running_var, &fused.mean, &fused.inv_std});
  const BatchNorm with_relu{&scale, &shift, &fused.mean, &fused.inv_std, Activation::relu};
  backend->batch_norm_forward(x, with_relu, fused.y);
  backend->batch_norm_backward(x, fused.y, dy, with_relu, fused.dx, fused.dscale, fused.dshift);
  Results parts = make();
  Tensor normal = backend->allocate(shape);
  Tensor masked = backend->allocate(shape);
  backend->batch_norm_statistics(
      x, {1e-5F, 0.1F, nullptr, &parts.running_mean, &parts.running_var, &parts.mean, &parts.inv_std});
  const BatchNorm alone{&scale, &shift, &parts.mean, &parts.inv_std};
  backend->batch_norm_forward(x, alone, normal);
  backend->relu_forward(normal, parts.y);
  backend->relu_backward(parts.y, dy, masked);
  backend->batch_norm_backward(x, normal, masked, alone, parts.dx, parts.dscale, parts.dshift);
  for (const auto& [a, b] : {std::pair{fused.y, parts.y}, std::pair{fused.dx, parts.dx},
                             std::pair{fused.dscale, parts.dscale}, std::pair{fused.dshift, parts.dshift}}) {
    CHECK(host_values(*backend, a) == host_values(*backend, b));
  }
}

TEST_CASE("a convolution on the GPU quantises as quantize does, and as the CPU does", "[cuda]") {
  const auto backend = backend_for(gpu_0);
  const auto cpu = backend_for({}, {.threads = 1});
  Conv2d conv{.batch = 2, .in_h = 5, .in_w = 5, .in_c = 3, .out_h = 5, .out_w = 5, .out_c = 4};
  conv.window = {3, 3, 1, 1, 1, 1, 1, 1};
  const auto quantised = [](Backend& b) {
    const Tensor w = random_tensor(b, {4, 3, 3, 3}, 2);
    const Tensor bits = tensor_of(b, {4}, {0, 1.5F, 3, 8});
    const Tensor exponents = tensor_of(b, {4}, {-3, -1, -2.5F, -7});
    Tensor q = b.allocate(w.shape());
    b.quantize({&w, &bits, &exponents}, q);
    return std::tuple{w, bits, exponents, q};
  };
  const auto [w, bits, exponents, q] = quantised(*backend);
  CHECK(host_values(*backend, q) == host_values(*cpu, std::get<3>(quantised(*cpu))));
  const Tensor x = random_tensor(*backend, {2, 5, 5, 3}, 1);
  Tensor inside = backend->allocate({2, 5, 5, 4});
  Tensor before = backend->allocate({2, 5, 5, 4});
  backend->conv2d_forward(conv, x, {&w, &bits, &exponents}, nullptr, inside);
  backend->conv2d_forward(conv, x, {&q}, nullptr, before);
  CHECK(host_values(*backend, inside) == host_values(*backend, before));
}

}  // namespace scnn::test
