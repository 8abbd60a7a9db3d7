#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

void add_linear(const char* name, const Shape& x, const Shape& w, bool bias, bool timed_only,
                std::vector<OpCase>& cases) {
  const Shape y{x[0], w[0]};
  const auto bias_of = [](const auto& a) { return a.contains("bias") ? &a.at("bias") : nullptr; };
  const double flops = 2.0 * static_cast<double>(x.size()) * static_cast<double>(w[0]);
  const auto arguments = [=] {
    Arrays a{{"x", uniform_array(x, 1)}, {"w", uniform_array(w, 2)}, {"dy", uniform_array(y, 4)}};
    if (bias) a["bias"] = uniform_array({w[0]}, 3);
    return a;
  };
  const auto with = [=](std::initializer_list<std::pair<const char*, Shape>> results) {
    Arrays a = arguments();
    for (const auto& [key, shape] : results) a[key] = junk(shape);
    return a;
  };
  const auto objective = [=](const Arrays& a) {
    return dot(a.at("dy"), reference::linear_forward(a.at("x"), a.at("w"), bias_of(a)));
  };
  cases.push_back({.op = "linear_forward",
                   .name = name,
                   .tolerance = 2e-6,
                   .prepare =
                       [=] {
                         return with({{"y", y}});
                       },
                   .run = [=](Backend& b, Tensors& t) { b.linear_forward(t["x"], {&t["w"]}, bias_of(t), t["y"]); },
                   .expect =
                       [=](const Arrays& a) {
                         return Arrays{{"y", reference::linear_forward(a.at("x"), a.at("w"), bias_of(a))}};
                       },
                   .flops = flops,
                   .timed_only = timed_only});
  cases.push_back({.op = "linear_backward_data",
                   .name = name,
                   .tolerance = 2e-6,
                   .prepare =
                       [=] {
                         return with({{"dx", x}});
                       },
                   .run = [](Backend& b, Tensors& t) { b.linear_backward_data(t["dy"], {&t["w"]}, t["dx"]); },
                   .expect =
                       [=](const Arrays& a) {
                         return Arrays{{"dx", reference::linear_backward_data(a.at("dy"), a.at("w"), x)}};
                       },
                   .gradients = {{"dx", "x"}},
                   .objective = objective,
                   .flops = flops,
                   .timed_only = timed_only});
  cases.push_back(
      {.op = "linear_backward_weights",
       .name = name,
       .tolerance = 2e-6,
       .prepare =
           [=] {
             return with({{"dw", w}, {"dbias", {w[0]}}});
           },
       .run = [=](Backend& b,
                  Tensors& t) { b.linear_backward_weights(t["x"], t["dy"], t["dw"], bias ? &t["dbias"] : nullptr); },
       .expect =
           [=](const Arrays& a) {
             Arrays r{{"dw", reference::linear_backward_weights(a.at("x"), a.at("dy"), w)}};
             if (bias) r["dbias"] = reference::channel_sums(a.at("dy"));
             return r;
           },
       .gradients = bias ? std::vector<std::pair<std::string, std::string>>{{"dw", "w"}, {"dbias", "bias"}}
                         : std::vector<std::pair<std::string, std::string>>{{"dw", "w"}},
       .objective = objective,
       .flops = flops,
       .timed_only = timed_only});
}

}  // namespace

std::vector<OpCase> linear_cases() {
  std::vector<OpCase> cases;
  add_linear("64 x 576 -> 10, bias", {64, 576}, {10, 576}, true, false, cases);
  add_linear("images 3 x 4 x 5 x 7 -> 17", {3, 4, 5, 7}, {17, 4, 5, 7}, false, false, cases);
  add_linear("batch 1, 61 -> 1, bias", {1, 61}, {1, 61}, true, false, cases);
  add_linear("no inputs, bias", {4, 0}, {3, 0}, true, false, cases);
  add_linear("no outputs", {4, 5}, {0, 5}, false, false, cases);
  add_linear("empty batch, bias", {0, 5}, {3, 5}, true, false, cases);
  add_linear("512 x 3136 -> 128, bias", {512, 3136}, {128, 3136}, true, true, cases);
  add_linear("512 x 576 -> 10, bias", {512, 576}, {10, 576}, true, true, cases);
  return cases;
}

}  // namespace scnn::test
