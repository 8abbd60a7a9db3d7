// Weight gradients that wait as partial sums: whoever reads them finds them added.

#include <functional>
#include <string>

#include "catch.h"
#include "network.h"
#include "scnn/backend/host_copy.h"
#if !defined(SCNN_TEST_ON_GPU)
#include "emulator/device.h"
#endif

namespace scnn::test {
namespace {

constexpr Conv2d conv_shape{24, 16, 16, 8, 16, 16, 12, {3, 3, 1, 1, 1, 1, 1, 1}, 1};
const Shape weight_shape{12, 3, 3, 8};

struct Gradient {
  std::unique_ptr<Backend> backend;
  Tensor x, dy, dw, w, m, v, bits, exponents, dbits, dexponents, bits_m, bits_v, exponents_m, exponents_v;

  explicit Gradient(Precision precision, Device device = {DeviceType::cuda, 0})
      : backend(backend_for(device, {.threads = 1, .precision = precision})),
        x(random_on(*backend, {24, 16, 16, 8}, 1)),
        dy(random_on(*backend, {24, 16, 16, 12}, 2)),
        dw(backend->allocate(weight_shape)),
        w(random_on(*backend, weight_shape, 3)),
        m(backend->allocate(weight_shape)),
        v(backend->allocate(weight_shape)) {
    for (Tensor* t : {&bits, &exponents, &dbits, &dexponents, &bits_m, &bits_v, &exponents_m, &exponents_v}) {
      *t = backend->allocate({12});
    }
    backend->fill(bits, 4);
    backend->fill(exponents, -2);
  }
  void backward() { backend->conv2d_backward_weights(conv_shape, x, dy, dw, nullptr); }
  void update(float lr = 0.05F) {
    const QuantizedLayer layer{{&w, &dw, &m, &v, {.lr = lr}},
                               {&bits, &dbits, &bits_m, &bits_v, {.lr = 0.3F}},
                               {&exponents, &dexponents, &exponents_m, &exponents_v, {.lr = 0.3F}}};
    backend->quantize_backward_adam({&layer, 1}, 0.0F);
  }
  [[nodiscard]] std::vector<std::vector<float>> learned() {
    return {host_values(*backend, w), host_values(*backend, bits), host_values(*backend, exponents)};
  }
};

double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::fabs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::fabs(static_cast<double>(b[i])));
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("whoever reads a weight gradient finds its partial sums added", "[cuda][weights]") {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    INFO("precision " << static_cast<int>(precision));
    Gradient want(Precision::fp32, {});
    want.backward();
    const std::vector<float> expected = host_values(*want.backend, want.dw);
    const double allowed = precision == Precision::fp32 ? 1e-5 : 1e-2;

    Gradient g(precision);
    Tensor other = g.backend->allocate(weight_shape);
    const std::pair<std::string, std::function<std::vector<float>()>> readers[] = {
        {"copy", [&] { return host_values(*g.backend, g.dw); }},
        {"scale", [&] { return g.backend->scale(g.dw, 1, other), host_values(*g.backend, other); }},
        {"accumulate",
         [&] {
           g.backend->fill(other, 0);
           g.backend->accumulate(g.dw, 1, other);
           return host_values(*g.backend, other);
         }},
        {"accumulate onto it",
         [&] {
           g.backend->fill(other, 0);
           g.backend->accumulate(other, 1, g.dw);
           return host_values(*g.backend, g.dw);
         }},
        {"the next backward pass", [&] { return g.backward(), host_values(*g.backend, g.dw); }},
    };
    for (const auto& [name, read] : readers) {
      INFO(name);
      g.backend->fill(g.dw, 0);
      g.backward();
      CHECK(difference(read(), expected) <= allowed);
    }
    g.backward();
    double squares = 0;
    for (const float value : host_values(*g.backend, g.dw)) squares += static_cast<double>(value) * value;
    g.backend->fill(g.dw, 0);
    g.backward();
    CHECK(g.backend->sum_of_squares(g.dw) == Approx(squares));

    const auto recording = g.backend->record([&] { g.backward(); });
    g.backend->fill(g.dw, 0);
    recording->replay();
    CHECK(difference(host_values(*g.backend, g.dw), expected) <= allowed);
  }
}

TEST_CASE("a replay finds what waits, and keeps its own memory", "[cuda][weights][recording]") {
  Gradient g(Precision::fp32);
  g.backward();
  const std::vector<float> whole = host_values(*g.backend, g.dw);
  const auto overwrites = g.backend->record([&] { g.backend->fill(g.dw, 7); });
  g.backward();
  overwrites->replay();
  CHECK(host_values(*g.backend, g.dw)[5] == 7.0F);

  Tensor other = g.backend->allocate(weight_shape);
  const auto reads = g.backend->record([&] { g.backend->scale(g.dw, 1, other); });
  g.backward();
  reads->replay();
  CHECK(host_values(*g.backend, other) == whole);

  const auto again = g.backend->record([&] { g.backward(); });
  Conv2d fewer = conv_shape;
  fewer.batch = 12;
  const Tensor x = random_on(*g.backend, {12, 16, 16, 8}, 5);
  const Tensor dy = random_on(*g.backend, {12, 16, 16, 12}, 6);
  g.backend->conv2d_backward_weights(fewer, x, dy, g.dw,
                                     nullptr);  // other slices: their memory takes the first's place
  CHECK(host_values(*g.backend, g.dw) != whole);
  again->replay();
  CHECK(host_values(*g.backend, g.dw) == whole);
}

TEST_CASE("a recorded update keeps its numbers where another update came between", "[cuda][weights][recording]") {
  Gradient recorded(Precision::fp32);
  Gradient plain(Precision::fp32);
  for (Gradient* g : {&recorded, &plain}) g->backward(), g->update();
  CHECK_THROWS_WITH((void)recorded.backend->record([&] { recorded.update(0.02F); }),
                    "recorded work updates other layers than the step before it");
  const auto recording = recorded.backend->record([&] { recorded.backward(), recorded.update(); });
  for (Gradient* g : {&recorded, &plain}) g->backward(), g->update(0.01F);
  recording->replay();
  plain.backward();
  plain.update();
  CHECK(recorded.learned() == plain.learned());
}

TEST_CASE("the update adds partial sums on its way", "[cuda][weights]") {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    Gradient straight(precision);
    straight.backward();
    straight.update();
    Gradient added(precision);
    added.backward();
    (void)host_values(*added.backend, added.dw);
    added.update();
    CHECK(straight.learned() == added.learned());
    // What was taken is gone: a gradient written since is the one that counts.
    for (Gradient* g : {&straight, &added}) {
      g->backend->fill(g->dw, 0.5F);
      g->update();
    }
    CHECK(straight.learned() == added.learned());
#if !defined(SCNN_TEST_ON_GPU)
    const auto launches = [&](const std::function<void()>& work) {
      straight.backend->synchronize();
      const std::uint64_t before = emulator::device().launches;
      work();
      straight.backend->synchronize();
      return emulator::device().launches - before;
    };
    const std::uint64_t alone = launches([&] { straight.backward(), straight.update(); });
    const std::uint64_t read = launches([&] {
      straight.backward();
      (void)host_values(*straight.backend, straight.dw);
      straight.update();
    });
    CHECK(read == alone + 1);
#endif
  }
}

}  // namespace scnn::test
