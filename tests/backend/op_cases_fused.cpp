// Fused ops: the virtual as the backend has it, and its default; both against the reference.

#include <string>

#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

/// A quantized layer in the middle of training: some channels dead, some about to die, some at the upper end.
struct Layer {
  Shape shape;
  bool learn_bits = true, revive = false, slope = true;
};

constexpr float gamma_of_cases = 0.3F, upper_of_cases = 8.0F;

struct Steps {
  AdamStep weights{.lr = 1e-2F, .eps = 1e-5F, .weight_decay = 5e-2F, .correction1 = 0.271F, .correction2 = 0.003F};
  AdamStep bits{.lr = 0.5F, .eps = 1e-3F, .correction1 = 0.271F, .correction2 = 0.003F};
  AdamStep exponents{.lr = 0.25F, .beta1 = 0.8F, .eps = 1e-2F, .correction1 = 0.488F, .correction2 = 0.003F};
};

/// Names of a layer's arrays begin with its number.
std::string named(std::size_t layer, const char* what) { return std::to_string(layer) + "." + what; }

Arrays layers_in_training(const std::vector<Layer>& layers) {
  Arrays a;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Shape& shape = layers[l].shape;
    const Shape each{shape[0]};
    std::uint32_t seed = static_cast<std::uint32_t>(20 * l);
    const auto add = [&](const char* name, const Shape& of, double low, double high) {
      a[named(l, name)] = uniform_array(of, ++seed, low, high);
    };
    add("w", shape, -1, 1), add("w_m", shape, -1, 1), add("w_v", shape, 0, 1), add("g", shape, -1, 1);
    add("b", each, 1, 7), add("b_m", each, -1, 1), add("b_v", each, 0, 1);
    add("e", each, -6, -2), add("e_m", each, -1, 1), add("e_v", each, 0, 1), add("slope", each, 0, 1);
    a[named(l, "b_g")] = a[named(l, "e_g")] = junk(each);
    for (std::int64_t c = 0; c < shape[0]; ++c) {
      double& b = a[named(l, "b")][c];
      if (c % 4 == 0) b = 0;
      if (c % 4 == 1) b = 0.001953125;  // a float
      if (c % 4 == 2) b = 7.9990234375;
      if (c % 4 == 0 && !layers[l].revive) a[named(l, "slope")][c] = 0;
    }
  }
  return a;
}

std::vector<QuantizedLayer> on_device(const std::vector<Layer>& layers, Tensors& t) {
  const Steps steps;
  std::vector<QuantizedLayer> list;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto at = [&](const std::string& what) { return &t.at(named(l, what.c_str())); };
    const auto parameter = [&](const std::string& what, const AdamStep& step) {
      return AdamParameter{at(what), at(what == "w" ? "g" : what + "_g"), at(what + "_m"), at(what + "_v"), step};
    };
    QuantizedLayer layer{parameter("w", steps.weights), parameter("b", steps.bits), parameter("e", steps.exponents)};
    if (!layers[l].learn_bits) layer.bits.m = layer.bits.v = nullptr;
    layer.bits_upper = upper_of_cases;
    layer.size_slope = layers[l].slope ? at("slope") : nullptr;
    layer.revive = layers[l].revive;
    list.push_back(layer);
  }
  return list;
}

Arrays step_of_reference(const std::vector<Layer>& layers, Arrays a) {
  const Steps steps;
  const reference::Rule none{-1e30, 1e30, nullptr, nullptr};
  Arrays results;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto at = [&](const char* what) -> Array& { return a.at(named(l, what)); };
    Arrays d = reference::quantize_backward(at("w"), at("b"), at("e"), reference::rounding(at("w"), at("b"), at("e")),
                                            at("g"), layers[l].revive);
    if (layers[l].slope) {
      for (std::int64_t c = 0; c < at("b").size(); ++c) {
        d["dbits"][c] += static_cast<double>(gamma_of_cases) * at("slope")[c];
      }
    }
    reference::Rule of_weights = none;
    if (!layers[l].revive) of_weights.bits = &at("b");
    reference::adam(steps.weights, of_weights, d["dw"], at("w_m"), at("w_v"), at("w"));
    const reference::Rule of_bits{0, upper_of_cases, nullptr, nullptr};
    if (layers[l].learn_bits) reference::adam(steps.bits, of_bits, d["dbits"], at("b_m"), at("b_v"), at("b"));
    reference::adam(steps.exponents, none, d["dexponents"], at("e_m"), at("e_v"), at("e"));
    for (const char* what : {"w", "w_m", "w_v", "b", "b_m", "b_v", "e", "e_m", "e_v"}) {
      results[named(l, what)] = at(what);
    }
  }
  return results;
}

void add_update(const char* name, const std::vector<Layer>& layers, std::vector<OpCase>& cases) {
  cases.push_back(
      {.op = "quantize_backward_adam",
       .name = name,
       .tolerance = 2e-6,
       .prepare = [=] { return layers_in_training(layers); },
       .run = [=](Backend& b, Tensors& t) { b.quantize_backward_adam(on_device(layers, t), gamma_of_cases); },
       .expect = [=](const Arrays& a) { return step_of_reference(layers, a); },
       .composed = [=](Backend& b,
                       Tensors& t) { b.Backend::quantize_backward_adam(on_device(layers, t), gamma_of_cases); }});
}

/// A convolution whose results' statistics are taken.
struct Measured {
  const char* name;
  std::int64_t batch, size, in_c, out_c, kernel = 3, groups = 1;
  bool bias = false, quantized = false, frozen = false;

  [[nodiscard]] Conv2d shape() const {
    const std::int64_t pad = kernel / 2;
    return {batch, size, size, in_c, size, size, out_c, {kernel, kernel, 1, 1, pad, pad, 1, 1}, groups};
  }
};

/// An array or tensor that not every case has.
template <class Map>
auto* optional(Map& arrays, const char* name) {
  return arrays.contains(name) ? &arrays.at(name) : nullptr;
}

void add_measured(const Measured& m, std::vector<OpCase>& cases) {
  const Conv2d s = m.shape();
  const Shape each{s.out_c};
  const auto prepare = [=] {
    Arrays a{{"x", uniform_array({s.batch, s.in_h, s.in_w, s.in_c}, 1)},
             {"w", uniform_array({s.out_c, m.kernel, m.kernel, s.in_c / s.groups}, 2)},
             {"y", junk({s.batch, s.out_h, s.out_w, s.out_c})},
             {"running_mean", uniform_array(each, 3)},
             {"running_var", uniform_array(each, 4, 0.5, 2)},
             {"mean", junk(each)},
             {"inv_std", junk(each)}};
    if (m.bias) a["bias"] = uniform_array(each, 5, -3, 3);
    if (m.quantized) {
      a["bits"] = uniform_array(each, 6, 1, 5);
      a["exponents"] = uniform_array(each, 7, -4, -1);
    }
    if (m.frozen) {
      a["frozen"] = zeros(each);
      for (std::int64_t c = 0; c < s.out_c; c += 2) a["frozen"][c] = 1;
    }
    return a;
  };
  const auto call = [=](Backend& b, Tensors& t, bool composed) {
    const WeightView w{&t["w"], optional(t, "bits"), optional(t, "exponents")};
    BatchStatistics to{eps_of_cases, momentum_of_cases, optional(t, "frozen")};
    to.running_mean = &t["running_mean"];
    to.running_var = &t["running_var"];
    to.mean = &t["mean"];
    to.inv_std = &t["inv_std"];
    if (composed) {
      b.Backend::conv2d_forward_statistics(s, t["x"], w, optional(t, "bias"), t["y"], to);
    } else {
      b.conv2d_forward_statistics(s, t["x"], w, optional(t, "bias"), t["y"], to);
    }
  };
  cases.push_back({.op = "conv2d_forward_statistics",
                   .name = m.name,
                   .tolerance = 4e-6,
                   .prepare = prepare,
                   .run = [=](Backend& b, Tensors& t) { call(b, t, false); },
                   .expect =
                       [=](const Arrays& a) {
                         const Array w =
                             m.quantized ? reference::quantize(a.at("w"), a.at("bits"), a.at("exponents")) : a.at("w");
                         Array one = zeros(each);
                         const Array y = reference::conv2d_forward(s, a.at("x"), w, optional(a, "bias"));
                         if (y.size() == 0) return Arrays{{"y", y}};
                         const auto r =
                             reference::batch_norm(y, one, one, eps_of_cases, momentum_of_cases, optional(a, "frozen"),
                                                   false, a.at("running_mean"), a.at("running_var"));
                         return Arrays{{"y", y},
                                       {"mean", r.mean},
                                       {"inv_std", r.inv_std},
                                       {"running_mean", r.running_mean},
                                       {"running_var", r.running_var}};
                       },
                   .composed = [=](Backend& b, Tensors& t) { call(b, t, true); }});
}

}  // namespace

std::vector<OpCase> fused_cases() {
  std::vector<OpCase> cases;
  add_measured({"16 to 32 channels", 2, 8, 16, 32}, cases);
  add_measured({"13 to 19 channels, quantized, half of them frozen", 3, 9, 13, 19, 3, 1, false, true, true}, cases);
  add_measured({"many pixels, bias, quantized", 5, 17, 3, 10, 5, 1, true, true}, cases);
  add_measured({"more outputs than a tile", 2, 9, 24, 140, 1, 1, true}, cases);
  add_measured({"groups", 2, 6, 8, 12, 3, 4}, cases);
  add_measured({"no inputs left, bias", 2, 5, 0, 4, 3, 1, true}, cases);
  add_measured({"empty batch", 0, 5, 4, 4}, cases);
  add_update("one layer", {{{9, 3, 3, 13}}}, cases);
  add_update("no layer", {}, cases);
  add_update("many layers: one weight, none, long rows, linear",
             {{{5, 1, 1, 1}}, {{0, 3, 3, 8}}, {{6, 3, 3, 0}}, {{4, 5, 5, 40}}, {{10, 61}}}, cases);
  add_update("fixed bits", {{{6, 3, 3, 8}, false}}, cases);
  add_update("dead channels that may revive", {{{8, 3, 3, 3}, true, true}}, cases);
  add_update("no size loss", {{{7, 2, 2, 5}, true, false, false}}, cases);
  return cases;
}

}  // namespace scnn::test
