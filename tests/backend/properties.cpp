// What the contract promises of every backend beside values: one list, run on the backend under test.

#include <cmath>
#include <limits>
#include <utility>

#include "catch.h"
#include "tested_backend.h"

namespace scnn::test {

std::string message_of(ErrorKind kind, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    CHECK(e.kind() == kind);
    return e.what();
  }
  FAIL("no error");
  return {};
}

TEST_CASE("wrong shapes are bugs that name op and shapes", "[backend][cuda]") {
  const auto backend = tested_backend();
  Tensor a = backend->allocate({2, 3});
  Tensor b = backend->allocate({3, 2});
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->scale(a, 1, b); }), "[2, 3]"));
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->copy(a, b = backend->allocate({7})); }), "copy"));
  Tensor integers = backend->allocate({2, 3}, DType::int32);
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->copy(a, integers); }), "to [2, 3] int32"));

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

  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->dropout(a, 1.0F, {0, Stream::dropout}, a); }), "rate"));

  Pool2d pool{.batch = 1, .in_h = 2, .in_w = 2, .out_h = 2, .out_w = 1, .channels = 1};
  pool.window = {2, 2, 2, 2, 0, 0, 1, 1};
  Tensor image = backend->allocate({1, 2, 2, 1});
  Tensor pooled = backend->allocate({1, 2, 1, 1});
  CHECK(contains(message_of(ErrorKind::bug, [&] { backend->avg_pool2d_forward(pool, image, pooled); }), "outside"));
}

TEST_CASE("a fused update without all it needs is a bug that names what is missing", "[backend][cuda]") {
  const auto backend = tested_backend();
  Tensor w = backend->allocate({3, 1, 1, 2});
  Tensor each = backend->allocate({3});
  Tensor two = backend->allocate({2});
  const AdamParameter weights{&w, &w, &w, &w};
  const AdamParameter whole{&each, &each, &each, &each};
  const auto message = [&](const QuantizedLayer& layer) {
    return message_of(ErrorKind::bug, [&] { backend->quantize_backward_adam({&layer, 1}, 0); });
  };
  CHECK(contains(message({weights, {&each, &each, &each}, whole}), "bits' second moment is missing"));
  CHECK(contains(message({weights, whole, {&two, &each, &each, &each}}), "exponents has shape [2], expected [3]"));
  CHECK(contains(message({weights, {&each}, whole}), "bits' gradient is missing"));
  QuantizedLayer layer{weights, whole, whole};
  layer.size_slope = &two;
  CHECK(contains(message(layer), "size_slope has shape [2]"));
}

TEST_CASE("statistics without a place to go are bugs", "[backend][cuda]") {
  const auto backend = tested_backend();
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

TEST_CASE("labels and indices outside their range are bugs, told by the next wait at the latest", "[backend][cuda]") {
  const auto backend = tested_backend();
  const Tensor logits = backend->allocate({1, 3});
  Tensor loss = backend->allocate({1});
  Tensor predicted = backend->allocate({1}, DType::int32);
  Tensor picked = backend->allocate({1, 1});
  const auto number = [&](std::int32_t value) { return device_indices(*backend, std::vector<std::int32_t>{value}); };
  for (const std::int32_t label : {-1, 3}) {
    CHECK(message_of(ErrorKind::bug, [&] {
            backend->softmax_cross_entropy(logits, number(label), 0, loss, predicted, nullptr);
            backend->synchronize();
          }) == "softmax_cross_entropy: label " + std::to_string(label) + " is outside [0, 3)");
    backend->synchronize();  // told once
  }
  for (const std::int32_t index : {-2, 3}) {
    CHECK(message_of(ErrorKind::bug, [&] {
            backend->gather(logits, 1, number(index), false, picked);
            backend->synchronize();
          }) == "gather: index " + std::to_string(index) + " is outside [-1, 3)");
    backend->synchronize();
  }
}

TEST_CASE("what is not finite stays visible", "[backend][cuda]") {
  const auto backend = tested_backend();
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

TEST_CASE("of equal logits the first is predicted, and one of minus infinity is a class that cannot be",
          "[backend][cuda]") {
  const auto backend = tested_backend();
  std::vector<float> values(50, 0.0F);
  values[20] = -std::numeric_limits<float>::infinity();
  for (const std::size_t top : {9, 34, 40}) values[top] = 1;
  const Tensor logits = tensor_of(*backend, {1, 50}, values);
  Tensor loss = backend->allocate({1});
  Tensor predicted = backend->allocate({1}, DType::int32);
  const std::vector<std::int32_t> label{34};
  backend->softmax_cross_entropy(logits, device_indices(*backend, label), 0, loss, predicted, nullptr);
  CHECK(host_values(*backend, loss)[0] == Approx(std::log(3 * std::exp(1.0) + 46) - 1).epsilon(1e-6));
  Tensor there = Tensor::host({1}, DType::int32);
  backend->copy(predicted, there);
  CHECK(there.values<std::int32_t>()[0] == 9);
}

TEST_CASE("the sum of squares is a double sum", "[backend][cuda]") {
  const auto backend = tested_backend();
  const Array values = uniform_array({70001}, 3);
  long double sum = 0;
  for (const double v : values.values) sum += static_cast<long double>(v) * v;
  const auto expected = static_cast<double>(sum);
  CHECK(backend->sum_of_squares(upload(*backend, {{"x", values}}).at("x")) == Approx(expected).epsilon(1e-13));
  CHECK(backend->sum_of_squares(backend->allocate({0})) == 0);
}

TEST_CASE("dropout draws what one thread of the CPU draws", "[backend][cuda]") {
  const auto backend = tested_backend();
  const auto plain = backend_for({}, {.threads = 1});
  const Shape shape{64, 7, 7, 23};
  const RandomStream stream(7, Stream::dropout, 2);
  const auto drawn = [&](Backend& b) {
    Tensor y = b.allocate(shape);
    b.dropout(random_tensor(b, shape, 1), 0.4F, stream, y);
    return host_values(b, y);
  };
  const std::vector<float> values = drawn(*backend);
  CHECK(values == drawn(*plain));
  double kept = 0;
  for (const float v : values) kept += v != 0 ? 1 : 0;
  CHECK(kept / static_cast<double>(values.size()) == Approx(0.6).margin(0.01));
}

TEST_CASE("dropout keeps a draw equal to the rate", "[backend][cuda]") {
  const auto backend = tested_backend();
  const RandomStream stream(7, Stream::dropout);
  const float draw = uniform(stream.draws(0).v[1]);  // element 1's, and 5's is
  const float last = uniform(stream.draws(1).v[1]);
  const Tensor x = tensor_of(*backend, {6}, std::vector<float>(6, 1.0F));
  Tensor y = backend->allocate({6});
  for (const auto& [rate, element] : {std::pair{draw, std::size_t{1}}, {last, std::size_t{5}}}) {
    backend->dropout(x, rate, stream, y);
    CHECK(host_values(*backend, y)[element] == Approx(1 / (1 - rate)));
    backend->dropout(x, std::nextafter(rate, 1.0F), stream, y);
    CHECK(host_values(*backend, y)[element] == 0);
  }
}

TEST_CASE("statistics over many rows are those of one thread of the CPU", "[backend][cuda]") {
  // More rows than a slice has, and channels that do not fill a block.
  const auto backend = tested_backend();
  const auto plain = backend_for({}, {.threads = 1});
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
    const auto want = run(*plain);
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

TEST_CASE("batch norm with relu equals batch norm, then relu", "[backend][cuda]") {
  const auto backend = tested_backend();
  const Shape shape{9, 6, 6, 19};
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
  for (const auto& [a, b] : {std::pair{fused.y, parts.y},
                             {fused.dx, parts.dx},
                             {fused.dscale, parts.dscale},
                             {fused.dshift, parts.dshift},
                             {fused.running_var, parts.running_var}}) {
    CHECK(host_values(*backend, a) == host_values(*backend, b));
  }
}

TEST_CASE("a convolution quantizes as quantize does, and as the CPU does", "[backend][cuda]") {
  const auto backend = tested_backend();
  const auto plain = backend_for({}, {.threads = 1});
  Conv2d conv{.batch = 2, .in_h = 5, .in_w = 5, .in_c = 3, .out_h = 5, .out_w = 5, .out_c = 4};
  conv.window = {3, 3, 1, 1, 1, 1, 1, 1};
  const auto quantized = [](Backend& b) {
    const Tensor w = random_tensor(b, {4, 3, 3, 3}, 2);
    const Tensor bits = tensor_of(b, {4}, {0, 1.5F, 3, 8});
    const Tensor exponents = tensor_of(b, {4}, {-3, -1, -2.5F, -7});
    Tensor q = b.allocate(w.shape());
    b.quantize({&w, &bits, &exponents}, q);
    return std::tuple{w, bits, exponents, q};
  };
  const auto [w, bits, exponents, q] = quantized(*backend);
  CHECK(host_values(*backend, q) == host_values(*plain, std::get<3>(quantized(*plain))));
  const Tensor x = random_tensor(*backend, {2, 5, 5, 3}, 1);
  Tensor inside = backend->allocate({2, 5, 5, 4});
  Tensor before = backend->allocate({2, 5, 5, 4});
  backend->conv2d_forward(conv, x, {&w, &bits, &exponents}, nullptr, inside);
  backend->conv2d_forward(conv, x, {&q}, nullptr, before);
  const std::vector<float> values = host_values(*backend, inside);
  CHECK(values == host_values(*backend, before));
  for (std::size_t i = 0; i < values.size(); i += 4) CHECK(values[i] == 0);  // no bits
}

}  // namespace scnn::test
