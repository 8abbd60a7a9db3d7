// What is the CPU's own; what every backend promises is in properties.cpp.

#include "scnn/backend/backend.h"

#include "backend/cpu/convolution.h"
#include "catch.h"
#include "tested_backend.h"

namespace scnn::test {

std::unique_ptr<Backend> tested_backend() { return backend_for({}, {.threads = 2}); }

TEST_CASE("the backend describes itself", "[backend]") {
  const auto backend = backend_for({}, {.threads = 2});
  CHECK(backend->device() == Device{});
  CHECK(contains(backend->description(), "2 threads"));
  CHECK(contains(backend->description(), cpu::product_library()));
}

TEST_CASE("an absent CUDA says how to get one", "[backend]") {
  if (cuda_unusable_because().empty()) SCNN_SKIP("CUDA is usable here");
  const std::string message = message_of(ErrorKind::device, [] { (void)backend_for({DeviceType::cuda, 0}); });
  CHECK(contains(message, "cuda:0"));
  CHECK(contains(message, cuda_unusable_because()));
  CHECK(contains(message, "device.type: cpu"));
}

TEST_CASE("the CPU records nothing, and says so", "[backend]") {
  const auto backend = backend_for({}, {.threads = 1});
  CHECK_FALSE(backend->records());
  CHECK(message_of(ErrorKind::bug, [&] { (void)backend->record([] {}); }) == "record: this backend does not record");
}

TEST_CASE("the CPU refuses a precision that it does not compute in") {
  CHECK_THROWS_WITH(backend_for(Device{}, {.threads = 1, .precision = Precision::bf16}),
                    "tf32 and bf16 need a CUDA device, the CPU computes in fp32: set device.precision: fp32");
  CHECK_THROWS_AS(backend_for(Device{}, {.threads = 1, .precision = Precision::tf32}), Error);
  CHECK_THROWS_WITH(backend_for(Device{}, {.threads = 1, .convolution = ConvolutionPath::cudnn}),
                    "cuDNN needs a CUDA device: set device.convolution: auto");
}

}  // namespace scnn::test
