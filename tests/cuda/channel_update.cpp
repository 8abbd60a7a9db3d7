#include "cuda/ops/channel_update.h"

#include "catch.h"
#include "cuda/conv/bf16/conv_wgrad.h"
#include "cuda/conv/fp32/convolution.h"
#include "device_arrays.h"
#include "op_cases.h"
#include "reference.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/number_format.h"

namespace scnn::test {
namespace {

/// A layer in the middle of training: some channels dead, some about to die, some at the upper end.
struct Layer {
  std::int64_t channels, taps, in_channels;
  int splits;
  bool learn_bits = true, revive = false, slope = true;

  [[nodiscard]] std::int64_t row() const { return taps * in_channels; }
  [[nodiscard]] Arrays arrays() const {
    const Shape values{channels, taps, in_channels};
    const Shape each{channels};
    Arrays a{{"partials", uniform_array({splits, channels, taps, in_channels}, 1)},
             {"w", uniform_array(values, 2)},
             {"w_m", uniform_array(values, 3)},
             {"w_v", uniform_array(values, 4, 0, 1)},
             {"b", uniform_array(each, 5, 1, 8)},
             {"b_m", uniform_array(each, 6)},
             {"b_v", uniform_array(each, 7, 0, 1)},
             {"e", uniform_array(each, 8, -6, -2)},
             {"e_m", uniform_array(each, 9)},
             {"e_v", uniform_array(each, 10, 0, 1)},
             {"slope", uniform_array(each, 11, 0, 1)},
             {"dw", junk(values)},
             {"db", junk(each)},
             {"de", junk(each)}};
    for (std::int64_t c = 0; c < channels; c += 4) a["b"][c] = 0;
    for (std::int64_t c = 1; c < channels; c += 4) a["b"][c] = 0.001;
    for (std::int64_t c = 2; c < channels; c += 4) a["b"][c] = 7.9999;
    return a;
  }
};

cuda::ChannelSteps steps() {
  cuda::ChannelSteps s;
  s.weights = {.lr = 1e-3F, .eps = 1e-5F, .weight_decay = 5e-4F, .correction1 = 0.271F, .correction2 = 0.003F};
  s.bits = {.lr = 0.5F, .eps = 1e-3F, .correction1 = 0.271F, .correction2 = 0.003F};
  s.exponents = {.lr = 0.25F, .beta1 = 0.8F, .eps = 1e-2F, .correction1 = 0.488F, .correction2 = 0.003F};
  s.gamma = 0.05F;
  return s;
}

void fill_in(const Layer& layer, Tensors& t, cuda::ChannelLayer& l) {
  const auto at = [&](const char* name) { return t.at(name).data<float>(); };
  l.channels = static_cast<int>(layer.channels);
  l.taps = static_cast<int>(layer.taps);
  l.in_channels = static_cast<int>(layer.in_channels);
  l.partials = at("partials");
  l.splits = layer.splits;
  l.weights = at("w"), l.weights_m = at("w_m"), l.weights_v = at("w_v");
  l.bits = at("b"), l.exponents = at("e"), l.exponents_m = at("e_m"), l.exponents_v = at("e_v");
  if (layer.learn_bits) l.bits_m = at("b_m"), l.bits_v = at("b_v");
  l.revive = layer.revive;
  l.size_slope = layer.slope ? at("slope") : nullptr;
}

/// The same step as ops of the contract.
void separate_ops(Bench& bench, Backend& backend, const Layer& layer, Tensors& t) {
  const cuda::ChannelSteps s = steps();
  cuda::sum_slices(bench.stream, "test", t.at("partials").data<float>(), layer.splits, layer.channels * layer.row(),
                   t.at("dw").data<float>());
  bench.stream.wait();
  const WeightView view{&t.at("w"), &t.at("b"), &t.at("e")};
  backend.quantize_backward(view, layer.revive, t.at("dw"), t.at("db"), t.at("de"));
  if (layer.slope) {
    std::vector<float> slope = host_values(backend, t.at("slope"));
    const std::vector<float> bits = host_values(backend, t.at("b"));
    for (std::size_t c = 0; c < slope.size(); ++c) {
      if (bits[c] <= 0.0F && !layer.revive) slope[c] = 0;
    }
    Tensor live = backend.allocate(t.at("slope").shape(), DType::float32);
    set_values(backend, slope, live);
    backend.accumulate(live, s.gamma.get(), t.at("db"));
  }
  UpdateRule of_weights;
  of_weights.bits = layer.revive ? nullptr : &t.at("b");
  backend.adam(s.weights, of_weights, t.at("dw"), t.at("w_m"), t.at("w_v"), t.at("w"));
  UpdateRule of_bits;
  of_bits.lower = 0;
  of_bits.upper = 8;
  if (layer.learn_bits) backend.adam(s.bits, of_bits, t.at("db"), t.at("b_m"), t.at("b_v"), t.at("b"));
  backend.adam(s.exponents, {}, t.at("de"), t.at("e_m"), t.at("e_v"), t.at("e"));
}

const Layer layers[] = {
    {9, 9, 13, 3},
    {5, 1, 1, 1},
    {4, 25, 40, 2},       // 1000 weights a channel: several rounds of a block
    {2, 9, 700, 1},       // 6300
    {6, 9, 8, 2, false},  // b fixed
    {8, 9, 3, 2, true, true},
    {7, 4, 5, 4, true, false, false},
};

}  // namespace

TEST_CASE("the fused channel update equals the separate ops bit for bit", "[channel update]") {
  Bench bench;
  const auto backend = backend_for({DeviceType::cuda, 0});
  for (const unsigned seed : {1U, 2U, 3U}) {
    use_schedule(seed);
    // All layers in one launch.
    std::vector<Tensors> fused;
    std::vector<Tensors> separate;
    std::vector<cuda::ChannelLayer> list;
    std::vector<Tensor> integers;
    for (const Layer& layer : layers) {
      fused.push_back(upload(*backend, layer.arrays()));
      separate.push_back(upload(*backend, layer.arrays()));
      separate_ops(bench, *backend, layer, separate.back());
      backend->synchronize();
      cuda::ChannelLayer l;
      fill_in(layer, fused.back(), l);
      l.steps = steps();
      // Room for integers of two bytes and for scales.
      const std::int64_t pitch = cuda::padded_channels(l.in_channels);
      integers.push_back(backend->allocate({layer.channels * layer.taps * pitch / 2}, DType::float32));
      integers.push_back(backend->allocate({layer.channels}, DType::float32));
      l.integers = reinterpret_cast<cuda::Bf16*>(integers[integers.size() - 2].data<float>());
      l.scales = integers.back().data<float>();
      list.push_back(l);
    }
    const int blocks = cuda::lay_out(list.data(), static_cast<int>(list.size()));
    const auto there = bench.upload(list);
    backend->synchronize();
    cuda::launch_channel_update(bench.stream, "test", there.data(), static_cast<int>(list.size()), blocks);
    bench.stream.wait();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Layer& layer = layers[i];
      for (const char* name : {"w", "w_m", "w_v", "b", "b_m", "b_v", "e", "e_m", "e_v"}) {
        INFO("layer " << i << ", " << name << ", schedule " << seed);
        CHECK(host_values(*backend, fused[i].at(name)) == host_values(*backend, separate[i].at(name)));
      }
      INFO("layer " << i << ", integers");
      const std::vector<float> w = host_values(*backend, separate[i].at("w"));
      const std::vector<float> b = host_values(*backend, separate[i].at("b"));
      const std::vector<float> e = host_values(*backend, separate[i].at("e"));
      std::vector<double> want;
      for (std::size_t k = 0; k < w.size(); ++k) {
        const std::size_t c = k / static_cast<std::size_t>(layer.row());
        want.push_back(static_cast<double>(quantize_integer(w[k], channel_format(b[c], e[c]))));
      }
      CHECK(bench.download_values(list[i].integers, layer.channels * layer.taps, static_cast<int>(layer.in_channels)) ==
            want);
      std::vector<float> scales;
      for (const float exponent : e) scales.push_back(portable_exp2(exponent));
      CHECK(host_values(*backend, integers[2 * i + 1]) == scales);
    }
  }
}

TEST_CASE("bit-count gradients are those of the double reference", "[channel update]") {
  Bench bench;
  const auto backend = backend_for({DeviceType::cuda, 0});
  for (const Layer& layer : layers) {
    const Arrays a = layer.arrays();
    Tensors t = upload(*backend, a);
    cuda::ChannelLayer l;
    fill_in(layer, t, l);
    l.dweights = t.at("dw").data<float>();
    l.dbits = t.at("db").data<float>();
    l.dexponents = t.at("de").data<float>();
    const int blocks = cuda::lay_out(&l, 1);
    const auto there = bench.upload(std::vector{l});
    backend->synchronize();
    cuda::launch_channel_update(bench.stream, "test", there.data(), 1, blocks);
    bench.stream.wait();

    std::vector<double> dw, db, de;
    for (std::int64_t c = 0; c < layer.channels; ++c) {
      const auto format = channel_format(a.at("b")[c], a.at("e")[c]);
      const bool learns = a.at("b")[c] > 0 || layer.revive;
      double b_sum = 0;
      double e_sum = 0;
      for (std::int64_t k = 0; k < layer.row(); ++k) {
        double g = 0;
        for (int s = 0; s < layer.splits; ++s) g += a.at("partials")[(s * layer.channels + c) * layer.row() + k];
        const auto q = quantize_gradient(a.at("w")[c * layer.row() + k], format);
        dw.push_back(learns ? g * q.dw : 0);
        b_sum += g * q.db;
        e_sum += g * q.de;
      }
      db.push_back(learns ? b_sum : 0);
      de.push_back(learns ? e_sum : 0);
    }
    INFO("channels " << layer.channels << ", weights " << layer.row());
    CHECK(relative_error(download(*backend, t.at("dw")).values, dw) <= 1e-6);
    CHECK(relative_error(download(*backend, t.at("db")).values, db) <= 1e-5);
    CHECK(relative_error(download(*backend, t.at("de")).values, de) <= 1e-5);
    CHECK(download(*backend, t.at("w")).values == a.at("w").values);  // no step was made
  }
}

}  // namespace scnn::test
