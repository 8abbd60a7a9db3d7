// Integers of quantized weights that outlive an op: never out of date, and not made more often than needed.

#include <functional>
#include <string>

#include "catch.h"
#include "network.h"
#include "scnn/backend/host_copy.h"
#if !defined(SCNN_TEST_ON_GPU)
#include "emulator/device.h"
#include "emulator/memory.h"
#endif

namespace scnn::test {
namespace {

constexpr Conv2d cached_shape{2, 5, 5, 13, 5, 5, 19, {3, 3, 1, 1, 1, 1, 1, 1}, 1};

/// A quantized convolution whose weights are kept as integers, and what a step of training needs.
struct CachedLayer {
  std::unique_ptr<Backend> backend;
  Tensor x, y, dx, w, bits, exponents, dw, dbits, dexponents, m, v, bits_m, bits_v, exponents_m, exponents_v;

  explicit CachedLayer(bool graphs = true)
      : backend(backend_for(
            {DeviceType::cuda, 0},
            {.precision = Precision::bf16, .weight_quantization = WeightQuantization::integers, .graphs = graphs})) {
    const Shape weights{19, 3, 3, 13};
    x = random_on(*backend, {2, 5, 5, 13}, 1);
    w = random_on(*backend, weights, 2);
    dw = random_on(*backend, weights, 3);
    for (Tensor* t : {&m, &v}) *t = backend->allocate(weights);
    for (Tensor* t : {&bits, &exponents, &dbits, &dexponents, &bits_m, &bits_v, &exponents_m, &exponents_v}) {
      *t = backend->allocate({19});
    }
    backend->fill(bits, 4);
    backend->fill(exponents, -3);
    y = backend->allocate({2, 5, 5, 19});
    dx = backend->allocate({2, 5, 5, 13});
  }

  void pass() {
    const WeightView view{&w, &bits, &exponents};
    backend->conv2d_forward(cached_shape, x, view, nullptr, y);
    backend->conv2d_backward_data(cached_shape, y, view, dx);
  }
  void update() {
    const AdamStep step{.lr = 0.05F};
    const QuantizedLayer layer{{&w, &dw, &m, &v, step},
                               {&bits, &dbits, &bits_m, &bits_v, {.lr = 0.3F}},
                               {&exponents, &dexponents, &exponents_m, &exponents_v, {.lr = 0.3F}}};
    backend->quantize_backward_adam({&layer, 1}, 0.0F);
  }
  /// What both passes give with these weights where nothing is kept.
  [[nodiscard]] std::vector<float> anew() {
    CachedLayer other;
    for (const auto& [from, to] : {std::pair{&w, &other.w}, {&bits, &other.bits}, {&exponents, &other.exponents}}) {
      set_values(*other.backend, host_values(*backend, *from), *to);
    }
    other.pass();
    return other.results();
  }
  [[nodiscard]] std::vector<float> results() {
    std::vector<float> all = host_values(*backend, y);
    const std::vector<float> back = host_values(*backend, dx);
    all.insert(all.end(), back.begin(), back.end());
    return all;
  }
};

}  // namespace

TEST_CASE("kept integers follow whatever writes to weights, bits or exponents", "[cuda][weights]") {
  const std::pair<std::string, std::function<void(CachedLayer&)>> writers[] = {
      {"nobody", [](CachedLayer&) {}},
      {"copy", [](CachedLayer& l) { l.backend->copy(random_on(*l.backend, l.w.shape(), 9), l.w); }},
      {"copy from the host", [](CachedLayer& l) { set_values(*l.backend, std::vector<float>(19, 2.0F), l.bits); }},
      {"fill", [](CachedLayer& l) { l.backend->fill(l.exponents, -2); }},
      {"scale", [](CachedLayer& l) { l.backend->scale(l.w, 0.5F, l.w); }},
      {"accumulate", [](CachedLayer& l) { l.backend->accumulate(l.dw, 1, l.w); }},
      {"adam", [](CachedLayer& l) { l.backend->adam({.lr = 0.1F}, {}, l.dw, l.m, l.v, l.w); }},
      {"sgd", [](CachedLayer& l) { l.backend->sgd({.lr = 0.1F}, {}, l.dw, l.m, l.w); }},
      {"the fused update", [](CachedLayer& l) { l.update(); }},
      {"new tensors, perhaps at the old places",
       [](CachedLayer& l) {
         l.w = l.bits = l.exponents = Tensor();
         l.w = random_on(*l.backend, {19, 3, 3, 13}, 12);
         l.bits = l.backend->allocate({19});
         l.exponents = l.backend->allocate({19});
         l.backend->fill(l.bits, 3);
         l.backend->fill(l.exponents, -2);
       }},
  };
  for (const auto& [name, write] : writers) {
    INFO(name);
    CachedLayer layer;
    layer.pass();
    write(layer);
    layer.pass();
    CHECK(layer.results() == layer.anew());
  }
}

TEST_CASE("integers are made once, and then by the update", "[cuda][weights]") {
#if defined(SCNN_TEST_ON_GPU)
  SCNN_SKIP("only the emulator counts launches");
#else
  CachedLayer layer;
  const auto launches = [&](const std::function<void()>& work) {
    layer.backend->synchronize();
    const std::uint64_t before = emulator::device().launches;
    work();
    layer.backend->synchronize();
    return emulator::device().launches - before;
  };
  const std::uint64_t first = launches([&] { layer.pass(); });
  const std::uint64_t second = launches([&] { layer.pass(); });
  CHECK(second == first - 1);  // one pass served both directions
  layer.update();
  CHECK(launches([&] { layer.pass(); }) == second);
  layer.backend->fill(layer.bits, 3);
  CHECK(launches([&] { layer.pass(); }) == first);
  // They go with their weights.
  const std::size_t in_use = emulator::device_bytes_in_use();
  const std::size_t of_weights = layer.w.bytes();
  layer.w = Tensor();
  layer.backend->synchronize();
  CHECK(in_use - emulator::device_bytes_in_use() > of_weights + of_weights / 2);
#endif
}

TEST_CASE("integers made after a recording are out of date where a replay writes the weights",
          "[cuda][weights][recording]") {
  CachedLayer layer;
  const auto recording = layer.backend->record([&] { layer.backend->fill(layer.w, 0); });
  layer.pass();
  recording->replay();
  layer.pass();
  CHECK(layer.results() == layer.anew());
}

TEST_CASE("a recorded step reads integers as they are when it is replayed", "[cuda][weights][recording]") {
  for (const bool fused : {true, false}) {
    INFO((fused ? "the fused update" : "adam alone"));
    const auto run = [&](bool graphs) {
      CachedLayer layer(graphs);
      const auto step = [&] {
        layer.pass();
        fused ? layer.update() : layer.backend->adam({.lr = 0.05F}, {}, layer.dw, layer.m, layer.v, layer.w);
      };
      step();  // makes what there is to keep
      std::vector<std::vector<float>> seen;
      std::unique_ptr<Recording> recording;
      if (graphs) recording = layer.backend->record(step);
      for (int i = 0; i < 6; ++i) {
        if (i == 3) layer.backend->scale(layer.w, 0.25F, layer.w);
        if (i == 4) layer.pass();  // as an evaluation would
        graphs ? recording->replay() : step();
        seen.push_back(layer.results());
      }
      seen.push_back(host_values(*layer.backend, layer.w));
      layer.pass();
      seen.push_back(layer.results());
      return seen;
    };
    CHECK(run(true) == run(false));
  }
}

}  // namespace scnn::test
