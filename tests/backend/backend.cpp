#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "catch.h"
#include "op_cases.h"
#include "scnn/core/error.h"

namespace scnn::test {
namespace {

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

/// A float tensor on the backend with seeded values.
Tensor random_tensor(Backend& backend, const Shape& shape, std::uint32_t seed) {
  return upload(backend, {{"x", uniform_array(shape, seed)}}).at("x");
}

}  // namespace

TEST_CASE("the backend describes itself", "[backend]") {
  const auto backend = backend_for({}, {.threads = 2});
  CHECK(backend->device() == Device{});
  CHECK(contains(backend->description(), "2 threads"));
  CHECK(contains(backend->description(), "oneDNN"));
}

TEST_CASE("an absent CUDA says how to get one", "[backend]") {
  if (cuda_unusable_because().empty()) SCNN_SKIP("CUDA is usable here");
  const std::string message = message_of(ErrorKind::device, [] { (void)backend_for({DeviceType::cuda, 0}); });
  CHECK(contains(message, "cuda:0"));
  CHECK(contains(message, cuda_unusable_because()));
  CHECK(contains(message, "device.type: cpu"));
}

TEST_CASE("wrong shapes are bugs that name op and shapes", "[backend]") {
  const auto backend = backend_for({}, {.threads = 1});
  Tensor a = backend->allocate({2, 3});
  Tensor b = backend->allocate({3, 2});
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->scale(a, 1, b); }), "[2, 3]"));
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->copy(a, b = backend->allocate({7})); }), "copy"));

  Conv2d conv{.batch = 1, .in_h = 4, .in_w = 4, .in_c = 2, .out_h = 4, .out_w = 4, .out_c = 3};
  conv.window = {3, 3, 1, 1, 1, 1, 1, 1};
  Tensor x = backend->allocate({1, 4, 4, 2});
  Tensor w = backend->allocate({3, 3, 3, 2});
  Tensor y = backend->allocate({1, 4, 4, 3});
  backend->conv2d_forward(conv, x, {&w}, nullptr, y);
  Tensor flat = backend->allocate({1, 4, 4, 4});
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->conv2d_forward(conv, x, {&w}, nullptr, flat); }),
                 "conv2d_forward: y has shape [1, 4, 4, 4], expected [1, 4, 4, 3]"));
  Tensor bits = backend->allocate({3});
  CHECK(contains(message_of(ErrorKind::bug,
                            [&] {
                              backend->conv2d_forward(conv, x, {&w, &bits}, nullptr, y);
                            }),
                 "together"));
  conv.groups = 2;
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->conv2d_forward(conv, x, {&w}, nullptr, y); }), "groups"));
  conv.groups = 1;
  conv.out_h = 2;
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->conv2d_forward(conv, x, {&w}, nullptr, y); }), "fit"));

  Tensor index = Tensor::of({1}, std::vector<std::int32_t>{3});
  Tensor picked = backend->allocate({2, 1});
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->gather(a, 1, index, false, picked); }), "[-1, 3)"));
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->dropout(a, 1.0F, {0, Stream::dropout}, a); }), "rate"));

  Pool2d pool{.batch = 1, .in_h = 2, .in_w = 2, .out_h = 2, .out_w = 1, .channels = 1};
  pool.window = {2, 2, 2, 2, 0, 0, 1, 1};
  Tensor image = backend->allocate({1, 2, 2, 1});
  Tensor pooled = backend->allocate({1, 2, 1, 1});
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->avg_pool2d_forward(pool, image, pooled); }), "outside"));
}

TEST_CASE("a fused update without all it needs is a bug that names what is missing", "[backend]") {
  const auto backend = backend_for({}, {.threads = 1});
  Tensor w = backend->allocate({3, 1, 1, 2});
  Tensor each = backend->allocate({3});
  Tensor two = backend->allocate({2});
  const AdamParameter weights{&w, &w, &w, &w};
  const AdamParameter whole{&each, &each, &each, &each};
  const auto message = [&](const QuantisedLayer& layer) {
    return message_of(ErrorKind::bug, [&] { backend->quantize_backward_adam({&layer, 1}, 0); });
  };
  CHECK(contains(message({weights, {&each, &each, &each}, whole}), "bits' second moment is missing"));
  CHECK(contains(message({weights, whole, {&two, &each, &each, &each}}), "exponents has shape [2], expected [3]"));
  CHECK(contains(message({weights, {&each}, whole}), "bits' gradient is missing"));
  QuantisedLayer layer{weights, whole, whole};
  layer.size_slope = &two;
  CHECK(contains(message(layer), "size_slope has shape [2]"));
}

TEST_CASE("statistics without a place to go are bugs", "[backend]") {
  const auto backend = backend_for({}, {.threads = 1});
  const Conv2d conv{.batch = 1, .in_h = 2, .in_w = 2, .in_c = 1, .out_h = 2, .out_w = 2, .out_c = 3};
  Tensor x = backend->allocate({1, 2, 2, 1});
  Tensor w = backend->allocate({3, 1, 1, 1});
  Tensor y = backend->allocate({1, 2, 2, 3});
  Tensor each = backend->allocate({3});
  Tensor two = backend->allocate({2});
  const auto message = [&](const BatchStatistics& to) {
    return message_of(ErrorKind::bug, [&] { backend->conv2d_forward_statistics(conv, x, {&w}, nullptr, y, to); });
  };
  CHECK(contains(message({1e-5F, 0.1F, nullptr, &each, &each, &each}), "inv_std is missing"));
  CHECK(contains(message({1e-5F, 0.1F, &two, &each, &each, &each, &each}), "frozen has shape [2], expected [3]"));
}

TEST_CASE("labels outside the classes are bugs", "[backend]") {
  const auto backend = backend_for({}, {.threads = 1});
  for (const std::int32_t label : {-1, 3}) {
    const Tensor logits = backend->allocate({1, 3});
    const Tensor labels = Tensor::of({1}, std::vector<std::int32_t>{label});
    Tensor loss = backend->allocate({1});
    Tensor predicted = backend->allocate({1}, DType::int32);
    const auto call = [&] { backend->softmax_cross_entropy(logits, labels, 0, loss, predicted, nullptr); };
    CHECK(contains(message_of(ErrorKind::bug, call), "label " + std::to_string(label)));
  }
}

TEST_CASE("what is not finite stays visible", "[backend]") {
  const auto backend = backend_for({}, {.threads = 1});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity}) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{1}}) {
      std::vector<float> values{0.5F, 1, -2};
      values[place] = bad;
      const Tensor logits = Tensor::of({1, 3}, values);
      const Tensor labels = Tensor::of({1}, std::vector<std::int32_t>{2});
      Tensor loss = backend->allocate({1});
      Tensor predicted = backend->allocate({1}, DType::int32);
      backend->softmax_cross_entropy(logits, labels, 0, loss, predicted, nullptr);
      CHECK_FALSE(std::isfinite(loss.values<float>()[0]));
      CHECK_FALSE(std::isfinite(backend->sum_of_squares(logits)));
      Tensor y = backend->allocate({1, 3});
      backend->relu_forward(logits, y);
      CHECK_FALSE(std::isfinite(y.values<float>()[place]));
    }
  }
  Pool2d pool{.batch = 1, .in_h = 2, .in_w = 2, .out_h = 1, .out_w = 1, .channels = 1};
  pool.window = {2, 2, 2, 2, 0, 0, 1, 1};
  for (std::size_t place = 0; place < 4; ++place) {
    std::vector<float> values{1, 2, 3, 4};
    values[place] = nan;
    Tensor y = backend->allocate({1, 1, 1, 1});
    Tensor argmax = backend->allocate({1, 1, 1, 1}, DType::uint8);
    backend->max_pool2d_forward(pool, Tensor::of({1, 2, 2, 1}, values), y, argmax);
    CHECK(std::isnan(y.values<float>()[0]));
  }
}

TEST_CASE("the sum of squares is a double sum", "[backend]") {
  for (const int threads : {1, 2}) {
    const auto backend = backend_for({}, {.threads = threads});
    const Array values = uniform_array({70001}, 3);
    long double sum = 0;
    for (const double v : values.values) sum += static_cast<long double>(v) * v;
    const auto expected = static_cast<double>(sum);
    CHECK(backend->sum_of_squares(upload(*backend, {{"x", values}}).at("x")) == Approx(expected).epsilon(1e-13));
    CHECK(backend->sum_of_squares(backend->allocate({0})) == 0);
  }
}

TEST_CASE("dropout masks do not depend on the number of threads", "[backend]") {
  const auto one = backend_for({}, {.threads = 1});
  const auto two = backend_for({}, {.threads = 2});
  const Tensor x = random_tensor(*one, {64, 7, 7, 23}, 1);
  Tensor first = one->allocate(x.shape());
  Tensor second = one->allocate(x.shape());
  const RandomStream stream(7, Stream::dropout, 2);
  one->dropout(x, 0.4F, stream, first);
  two->dropout(x, 0.4F, stream, second);
  CHECK(std::ranges::equal(first.values<float>(), second.values<float>()));
  double kept = 0;
  for (const float v : first.values<float>()) kept += v != 0 ? 1 : 0;
  CHECK(kept / static_cast<double>(x.size()) == Approx(0.6).margin(0.01));
}

TEST_CASE("dropout keeps a draw equal to the rate", "[backend]") {
  const auto backend = backend_for({}, {.threads = 1});
  const RandomStream stream(7, Stream::dropout);
  const float draw = uniform(stream.draws(1).v[1]);  // element 5's
  const Tensor x = Tensor::of({6}, std::vector<float>(6, 1.0F));
  Tensor y = backend->allocate({6});
  backend->dropout(x, draw, stream, y);
  CHECK(y.values<float>()[5] == Approx(1 / (1 - draw)));
  backend->dropout(x, std::nextafter(draw, 1.0F), stream, y);
  CHECK(y.values<float>()[5] == 0);
}

TEST_CASE("batch norm with relu equals batch norm, then relu", "[backend][fusion]") {
  const auto backend = backend_for({}, {.threads = 2});
  const Shape shape{9, 6, 6, 19};
  const Shape channels{19};
  const Tensor x = random_tensor(*backend, shape, 1);
  const Tensor scale = random_tensor(*backend, channels, 2);
  const Tensor shift = random_tensor(*backend, channels, 3);
  const Tensor dy = random_tensor(*backend, shape, 4);
  struct Run {
    Tensor running_mean, running_var, mean, inv_std, y, dx, dscale, dshift;
  };
  const auto make = [&] {
    const auto c = [&] { return backend->allocate(channels); };
    return Run{c(), c(), c(), c(), backend->allocate(shape), backend->allocate(shape), c(), c()};
  };
  Run fused = make();
  backend->batch_norm_statistics(
      x, {1e-5F, 0.1F, nullptr, &fused.running_mean, &fused.running_var, &fused.mean, &fused.inv_std});
  const BatchNorm with_relu{&scale, &shift, &fused.mean, &fused.inv_std, Activation::relu};
  backend->batch_norm_forward(x, with_relu, fused.y);
  backend->batch_norm_backward(x, fused.y, dy, with_relu, fused.dx, fused.dscale, fused.dshift);
  Run parts = make();
  Tensor normal = backend->allocate(shape);
  Tensor masked = backend->allocate(shape);
  backend->batch_norm_statistics(
      x, {1e-5F, 0.1F, nullptr, &parts.running_mean, &parts.running_var, &parts.mean, &parts.inv_std});
  const BatchNorm alone{&scale, &shift, &parts.mean, &parts.inv_std};
  backend->batch_norm_forward(x, alone, normal);
  backend->relu_forward(normal, parts.y);
  backend->relu_backward(parts.y, dy, masked);
  backend->batch_norm_backward(x, normal, masked, alone, parts.dx, parts.dscale, parts.dshift);
  for (const auto& [a, b] : {std::pair{fused.y, parts.y},
                             {fused.dx, parts.dx},
                             {fused.dscale, parts.dscale},
                             {fused.dshift, parts.dshift},
                             {fused.running_var, parts.running_var}}) {
    CHECK(std::ranges::equal(a.values<float>(), b.values<float>()));
  }
}

TEST_CASE("a convolution quantises as quantize does", "[backend][fusion]") {
  const auto backend = backend_for({}, {.threads = 2});
  Conv2d conv{.batch = 2, .in_h = 5, .in_w = 5, .in_c = 3, .out_h = 5, .out_w = 5, .out_c = 4};
  conv.window = {3, 3, 1, 1, 1, 1, 1, 1};
  const Tensor x = random_tensor(*backend, {2, 5, 5, 3}, 1);
  const Tensor w = random_tensor(*backend, {4, 3, 3, 3}, 2);
  const Tensor bits = Tensor::of({4}, std::vector<float>{0, 1.5F, 3, 8});
  const Tensor exponents = Tensor::of({4}, std::vector<float>{-3, -1, -2.5F, -7});
  Tensor q = backend->allocate(w.shape());
  Tensor inside = backend->allocate({2, 5, 5, 4});
  Tensor before = backend->allocate({2, 5, 5, 4});
  backend->quantize({&w, &bits, &exponents}, q);
  backend->conv2d_forward(conv, x, {&w, &bits, &exponents}, nullptr, inside);
  backend->conv2d_forward(conv, x, {&q}, nullptr, before);
  CHECK(std::ranges::equal(inside.values<float>(), before.values<float>()));
  for (std::int64_t i = 0; i < inside.size(); i += 4) CHECK(inside.values<float>()[static_cast<std::size_t>(i)] == 0);
}

TEST_CASE("the CPU refuses a precision that it does not compute in") {
  CHECK_THROWS_WITH(backend_for(Device{}, {.threads = 1, .precision = Precision::bf16}),
                    "tf32 and bf16 need a CUDA device, the CPU computes in fp32: set device.precision: fp32");
  CHECK_THROWS_AS(backend_for(Device{}, {.threads = 1, .precision = Precision::tf32}), Error);
  CHECK_THROWS_WITH(backend_for(Device{}, {.threads = 1, .convolution = ConvolutionPath::cudnn}),
                    "cuDNN needs a CUDA device: set device.convolution: auto");
}

}  // namespace scnn::test
