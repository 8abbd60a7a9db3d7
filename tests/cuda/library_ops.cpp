#include "cuda/vendor/library_ops.h"

#include "catch.h"
#include "fake_library.h"
#include "gpu_0.h"
#include "op_cases.h"
#include "scnn/core/error.h"

namespace scnn::test {
namespace {

using cuda::ConvPass;

/// A fake library as nobody has changed it, before and after.
struct Fake {
  Fake() { fake_library() = {}; }
  ~Fake() { fake_library() = {}; }
  Fake(const Fake&) = delete;
  Fake& operator=(const Fake&) = delete;
};

Conv2d grouped(std::int64_t groups) { return {2, 4, 4, 6, 4, 4, 6, {3, 3, 1, 1, 1, 1, 1, 1}, groups}; }

struct LibraryLayer {
  Conv2d shape;
  Tensor x, w, y;

  LibraryLayer(Backend& backend, const Conv2d& s)
      : shape(s),
        x(backend.allocate({s.batch, s.in_h, s.in_w, s.in_c})),
        w(backend.allocate({s.out_c, s.window.kernel_h, s.window.kernel_w, s.in_c / s.groups})),
        y(backend.allocate({s.batch, s.out_h, s.out_w, s.out_c})) {
    backend.fill(x, 0.5F);
    backend.fill(w, 0.25F);
  }
  void forward(Backend& backend) { backend.conv2d_forward(shape, x, {&w}, nullptr, y); }
};

/// Calls of the library in all three passes.
std::size_t calls_of(const BackendOptions& options, const Conv2d& shape) {
  const auto backend = backend_for(gpu_0, options);
  LibraryLayer layer(*backend, shape);
  Tensor dw = backend->allocate(layer.w.shape());
  fake_library().calls.clear();
  layer.forward(*backend);
  backend->conv2d_backward_data(shape, layer.y, {&layer.w}, layer.x);
  backend->conv2d_backward_weights(shape, layer.x, layer.y, dw, nullptr);
  return fake_library().calls.size();
}

}  // namespace

TEST_CASE("a table chooses whose kernels convolve", "[cuda][library]") {
  const Fake fake;
  using enum ConvolutionPath;
  for (const std::int64_t groups : {1, 2, 6}) {
    for (const auto path : {automatic, own, cudnn}) {
      for (const auto precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
        if (precision == Precision::tf32 && path == own) continue;
        INFO("groups " << groups << ", path " << static_cast<int>(path) << ", precision "
                       << static_cast<int>(precision));
        const bool library = path == cudnn || precision == Precision::tf32;
        CHECK(calls_of({.precision = precision, .convolution = path}, grouped(groups)) == (library ? 3U : 0U));
        for (const LibraryCall& call : fake_library().calls) CHECK(call.precision == precision);
      }
    }
  }
}

TEST_CASE("the library sees channels in whole chunks in bf16, but groups as they are", "[cuda][library]") {
  const Fake fake;
  calls_of({.precision = Precision::bf16, .convolution = ConvolutionPath::cudnn}, grouped(1));
  REQUIRE(fake_library().calls.size() == 3);
  CHECK(fake_library().calls[0].pass == ConvPass::forward);
  CHECK(fake_library().calls[1].pass == ConvPass::backward_data);
  CHECK(fake_library().calls[2].pass == ConvPass::backward_weights);
  for (const LibraryCall& call : fake_library().calls) {
    CHECK(call.shape.in_c == 8);
    CHECK(call.shape.out_c == 8);
  }
  calls_of({.precision = Precision::bf16, .convolution = ConvolutionPath::cudnn}, grouped(2));
  for (const LibraryCall& call : fake_library().calls) CHECK(call.shape == grouped(2));
  calls_of({.precision = Precision::fp32, .convolution = ConvolutionPath::cudnn}, grouped(1));
  for (const LibraryCall& call : fake_library().calls) CHECK(call.shape == grouped(1));
  CHECK_FALSE(cuda::is_linear(grouped(1)));
  CHECK(cuda::is_linear({5, 1, 1, 7, 1, 1, 3}));
  CHECK_FALSE(cuda::is_linear({5, 1, 1, 8, 1, 1, 4, {}, 4}));
}

TEST_CASE("linear layers are products of matrices to the library", "[cuda][library]") {
  const Fake fake;
  const auto backend = backend_for(gpu_0, {.precision = Precision::tf32});
  const Tensor x = backend->allocate({3, 5});
  const Tensor w = backend->allocate({4, 5});
  Tensor y = backend->allocate({3, 4});
  backend->linear_forward(x, {&w}, nullptr, y);
  REQUIRE(fake_library().calls.size() == 1);
  CHECK(fake_library().calls[0].linear);
}

TEST_CASE("without the library what needs it is refused with its reason", "[cuda][library]") {
  const Fake fake;
  fake_library().absent = true;
  const char* reason = "libcudnn.so was not found; install it";
  CHECK(cuda_libraries().unusable_because == reason);
  for (const BackendOptions& options :
       {BackendOptions{.convolution = ConvolutionPath::cudnn}, BackendOptions{.precision = Precision::tf32}}) {
    CHECK_THROWS_WITH(backend_for(gpu_0, options), reason);
  }
  CHECK_NOTHROW(backend_for(gpu_0, {.precision = Precision::bf16}));
  CHECK_THROWS_WITH(
      backend_for(gpu_0, {.precision = Precision::tf32, .convolution = ConvolutionPath::own}),
      Catch::Matchers::Contains("there are no own kernels in tf32: set device.convolution: auto or cudnn"));
}

TEST_CASE("a convolution that the library lacks is an error, or ours where the choice was left open",
          "[cuda][library]") {
  const Fake fake;
  fake_library().takes = [](ConvPass pass, const Conv2d&) { return pass == ConvPass::forward; };
  CHECK(calls_of({.precision = Precision::tf32}, grouped(1)) == 1);
  try {
    calls_of({.convolution = ConvolutionPath::cudnn}, grouped(2));
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.exit_code() == 5);
    CHECK(error.what() == std::string("conv2d_backward_data: cuDNN has no deterministic algorithm for x [2, 4, 4, 6], "
                                      "weights [6, 3, 3, 3], groups 2; set device.convolution: auto"));
  }
  const Conv2d huge{std::int64_t{1} << 20, 64, 64, 1, 64, 64, 1, {1, 1, 1, 1, 0, 0, 1, 1}, 1};
  cuda::Stream stream(0);
  const auto library = cuda::make_convolution_library(stream);
  CHECK_FALSE(cuda::library_takes({stream, *library, Precision::tf32}, ConvPass::forward, huge));
}

TEST_CASE("a recorded convolution by the library is computed at each replay", "[cuda][library]") {
  const Fake fake;
  for (const auto precision : {Precision::fp32, Precision::bf16}) {
    const auto backend = backend_for(gpu_0, {.precision = precision, .convolution = ConvolutionPath::cudnn});
    LibraryLayer layer(*backend, grouped(1));
    layer.forward(*backend);
    const Array expected = download(*backend, layer.y);
    const auto recording = backend->record([&] { layer.forward(*backend); });
    backend->fill(layer.y, 0);
    recording->replay();
    CHECK(download(*backend, layer.y).values == expected.values);
    CHECK(expected.values[0] > 0);
  }
}

}  // namespace scnn::test
