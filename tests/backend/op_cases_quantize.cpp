#include <algorithm>
#include <cmath>

#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

void add_quantize(const char* name, const Shape& w, const std::vector<double>& bits,
                  const std::vector<double>& exponents, bool revive, std::vector<OpCase>& cases) {
  const Shape channels{w[0]};
  const auto arguments = [=] {
    Arrays a{{"w", uniform_array(w, 1)}, {"bits", {channels, bits}}, {"exponents", {channels, exponents}}};
    // Places on both sides of every kind of edge: ties, the range's ends, zero.
    const std::int64_t each = a["w"].size() / std::max<std::int64_t>(1, w[0]);
    for (std::int64_t i = 0; i < a["w"].size(); i += 3) {
      const auto c = static_cast<std::size_t>(i / each);
      const double step = std::exp2(std::round(exponents[c]));
      a["w"][i] = step * 0.5 * static_cast<double>(i % 23 - 11);
    }
    return a;
  };
  const auto view = [](Tensors& t) { return WeightView{&t["w"], &t["bits"], &t["exponents"]}; };
  cases.push_back({.op = "quantize",
                   .name = name,
                   .tolerance = 1e-6,
                   .prepare =
                       [=] {
                         Arrays a = arguments();
                         a["y"] = junk(w);
                         return a;
                       },
                   .run = [=](Backend& b, Tensors& t) { b.quantize(view(t), t["y"]); },
                   .expect =
                       [](const Arrays& a) {
                         return Arrays{{"y", reference::quantize(a.at("w"), a.at("bits"), a.at("exponents"))}};
                       }});
  // Gradients away from the edges, where the surrogate is differentiable.
  const auto smooth = [=] {
    Arrays a{{"w", uniform_array(w, 1)},  {"bits", {channels, bits}}, {"exponents", {channels, exponents}},
             {"dw", uniform_array(w, 2)}, {"dbits", junk(channels)},  {"dexponents", junk(channels)}};
    a["rounding"] = reference::rounding(a["w"], a["bits"], a["exponents"]);
    a["g"] = a["dw"];
    return a;
  };
  const auto objective = [](const Arrays& a) {
    return dot(a.at("g"), reference::quantize_surrogate(a.at("w"), a.at("bits"), a.at("exponents"), a.at("rounding")));
  };
  cases.push_back(
      {.op = "quantize_backward",
       .name = name,
       .tolerance = 2e-6,
       .prepare = smooth,
       .run = [=](Backend& b,
                  Tensors& t) { b.quantize_backward(view(t), revive, t["dw"], t["dbits"], t["dexponents"]); },
       .expect =
           [=](const Arrays& a) {
             return reference::quantize_backward(a.at("w"), a.at("bits"), a.at("exponents"), a.at("rounding"),
                                                 a.at("g"), revive);
           },
       .gradients = std::ranges::count(bits, 0.0) > 0
                        ? std::vector<std::pair<std::string, std::string>>{}
                        : std::vector<std::pair<std::string, std::string>>{{"dw", "w"},
                                                                           {"dbits", "bits"},
                                                                           {"dexponents", "exponents"}},
       .objective = objective});
}

}  // namespace

std::vector<OpCase> quantize_cases() {
  std::vector<OpCase> cases;
  add_quantize("whole and real bits", {5, 3, 3, 7}, {8, 1, 2.5, 0.7, 3.2}, {-6, -1, -2, -1.5, -2.25}, false, cases);
  add_quantize("dead channels", {4, 17}, {0, 4, 0, 1e-3}, {-1, -3, -3, -1}, false, cases);
  add_quantize("dead channels that may revive", {3, 61}, {0, 4, 0}, {-1, -3, 2}, true, cases);
  add_quantize("one weight a channel", {3, 1}, {2, 3, 4}, {-1, -2, -3}, false, cases);
  add_quantize("a channel of 4608 weights", {2, 3, 3, 512}, {3, 5}, {-2, -4}, false, cases);
  return cases;
}

}  // namespace scnn::test
