// What is the CUDA backend's own; what every backend promises is in tests/backend/properties.cpp.

#include "scnn/backend/backend.h"

#include <set>

#include "catch.h"
#include "cuda/runtime/runtime.h"
#include "emulator/device.h"
#include "emulator/memory.h"
#include "gpu_0.h"
#include "tested_backend.h"

namespace scnn::test {
namespace {

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

TEST_CASE("bf16 is refused where its kernels' tiles do not fit the GPU", "[cuda]") {
  const Restored restored;
  emulator::device().shared_bytes = 99 * 1024;
  CHECK(message_of(ErrorKind::device, [] { (void)backend_for(gpu_0, {.precision = Precision::bf16}); }) ==
        "own kernels in bf16 need 146 KiB of shared memory in a block, this GPU has 99 (emulated device, compute "
        "capability 9.0, 1 multiprocessors, CUDA 13.0): set device.precision: fp32 or tf32, or device.convolution: "
        "cudnn");
  CHECK_NOTHROW(backend_for(gpu_0));
}

TEST_CASE("the peak of device memory begins with the newest backend", "[cuda]") {
  {
    const auto backend = backend_for(gpu_0);
    const Tensor large = backend->allocate({1 << 20});
    CHECK(backend->peak_bytes() >= 4 << 20);
  }
  CHECK(backend_for(gpu_0)->peak_bytes() < 1 << 20);
}

TEST_CASE("the oldest architecture of a build is known wherever it stands in the list", "[cuda]") {
  CHECK(cuda::oldest_of("80;90") == 80);
  CHECK(cuda::oldest_of("120-real;90-virtual;100") == 90);
  CHECK(cuda::oldest_of("all-major") == 0);
}

TEST_CASE("out of device memory names the bytes asked for", "[cuda]") {
  const Restored restored;
  const auto backend = backend_for(gpu_0);
  const std::string message = message_of(ErrorKind::memory, [&] { (void)backend->allocate({1 << 20, 1 << 12}); });
  CHECK(contains(message, "17179869184 bytes asked for"));
  CHECK(contains(message, "of 1073741824 free"));
  emulator::fail_next("cudaMallocAsync", cudaErrorIllegalAddress);
  CHECK(contains(message_of(ErrorKind::device, [&] { (void)backend->allocate({4}); }), "illegal memory access"));
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

TEST_CASE("a tensor that is not on this device is a bug", "[cuda]") {
  const Restored restored;
  emulator::device().count = 2;
  const auto backend = backend_for(gpu_0);
  Tensor a = backend->allocate({2, 3});
  Tensor host = Tensor::host({2, 3});
  CHECK(message_of(ErrorKind::bug, [&] { backend->scale(host, 1, a); }) ==
        "scale: a tensor [2, 3] is on cpu, not on cuda:0");
  const Tensor elsewhere = backend_for({DeviceType::cuda, 1})->allocate({2, 3});
  CHECK(message_of(ErrorKind::bug, [&] { backend->copy(elsewhere, host); }) ==
        "copy: a tensor [2, 3] is on cuda:1, not on cuda:0");
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

TEST_CASE("the sum of squares is the same in any schedule", "[cuda]") {
  const Restored restored;
  const auto backend = backend_for(gpu_0);
  const Tensor x = random_tensor(*backend, {70001}, 3);
  std::set<double> results;
  for (const unsigned seed : {1U, 2U, 3U}) {
    emulator::device().seed = seed;
    results.insert(backend->sum_of_squares(x));
  }
  CHECK(results.size() == 1);
}

}  // namespace scnn::test
