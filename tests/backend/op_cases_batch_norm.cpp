#include <algorithm>

#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

struct NormSetting {
  const char* name;
  Shape x;
  bool relu;
  double centre = 0.25;  ///< mean of x
  bool frozen = false;
  bool timed_only = false;
};

Arrays arguments(const NormSetting& s) {
  const Shape c{s.x[-1]};
  Arrays a{{"x", uniform_array(s.x, 1, s.centre - 1, s.centre + 1)},
           {"scale", uniform_array(c, 2, 0.5, 2)},
           {"shift", uniform_array(c, 3)},
           {"running_mean", uniform_array(c, 4)},
           {"running_var", uniform_array(c, 5, 0.5, 2)}};
  if (s.frozen) {
    a["frozen"] = zeros(c);
    for (std::int64_t i = 0; i < c[0]; i += 2) a["frozen"][i] = 1;
  }
  return a;
}

reference::Normalized forward(const Arrays& a, bool relu) {
  return reference::batch_norm(a.at("x"), a.at("scale"), a.at("shift"), eps_of_cases, momentum_of_cases,
                               a.contains("frozen") ? &a.at("frozen") : nullptr, relu, a.at("running_mean"),
                               a.at("running_var"));
}

void add_cases(const NormSetting& s, std::vector<OpCase>& cases) {
  const Shape c{s.x[-1]};
  const Activation activation = s.relu ? Activation::relu : Activation::none;
  const double width = 4e-6 * std::max(1.0, s.centre);  // x itself is rounded to centre * 2^-24
  cases.push_back({.op = "batch_norm_statistics",
                   .name = s.name,
                   .tolerance = width,
                   .prepare =
                       [=] {
                         Arrays a = arguments(s);
                         for (const char* key : {"mean", "inv_std"}) a[key] = junk(c);
                         return a;
                       },
                   .run =
                       [=](Backend& b, Tensors& t) {
                         b.batch_norm_statistics(t["x"],
                                                 {eps_of_cases, momentum_of_cases, s.frozen ? &t["frozen"] : nullptr,
                                                  &t["running_mean"], &t["running_var"], &t["mean"], &t["inv_std"]});
                       },
                   .expect =
                       [=](const Arrays& a) {
                         const auto r = forward(a, s.relu);
                         return Arrays{{"mean", r.mean},
                                       {"inv_std", r.inv_std},
                                       {"running_mean", r.running_mean},
                                       {"running_var", r.running_var}};
                       },
                   .flops = 4 * static_cast<double>(s.x.size()),
                   .timed_only = s.timed_only});
  cases.push_back(
      {.op = "batch_norm_forward",
       .name = s.name,
       .tolerance = width,
       .prepare =
           [=] {
             Arrays a = arguments(s);
             if (s.timed_only) {
               a["mean"] = uniform_array(c, 7);
               a["inv_std"] = uniform_array(c, 8, 1, 2);
             } else {
               const auto r = forward(a, s.relu);
               a["mean"] = as_float(r.mean);
               a["inv_std"] = as_float(r.inv_std);
             }
             a["y"] = junk(s.x);
             return a;
           },
       .run =
           [=](Backend& b, Tensors& t) {
             b.batch_norm_forward(t["x"], {&t["scale"], &t["shift"], &t["mean"], &t["inv_std"], activation}, t["y"]);
           },
       .expect =
           [=](const Arrays& a) {
             return Arrays{{"y", forward(a, s.relu).y}};
           },
       .flops = 2 * 4 * static_cast<double>(s.x.size()),
       .timed_only = s.timed_only});
  cases.push_back({.op = "batch_norm_backward",
                   .name = s.name,
                   .tolerance = 2 * width,
                   .prepare =
                       [=] {
                         Arrays a = arguments(s);
                         if (s.timed_only) {
                           a["y"] = a["x"];
                           a["mean"] = uniform_array(c, 7);
                           a["inv_std"] = uniform_array(c, 8, 1, 2);
                         } else {
                           const auto r = forward(a, s.relu);
                           a["y"] = as_float(r.y);
                           a["mean"] = as_float(r.mean);
                           a["inv_std"] = as_float(r.inv_std);
                         }
                         a["dy"] = uniform_array(s.x, 6);
                         a["dx"] = junk(s.x);
                         for (const char* key : {"dscale", "dshift"}) a[key] = junk(c);
                         return a;
                       },
                   .run =
                       [=](Backend& b, Tensors& t) {
                         b.batch_norm_backward(t["x"], t["y"], t["dy"],
                                               {&t["scale"], nullptr, &t["mean"], &t["inv_std"], activation}, t["dx"],
                                               t["dscale"], t["dshift"]);
                       },
                   .expect =
                       [=](const Arrays& a) {
                         return reference::batch_norm_backward(a.at("x"), s.relu ? &a.at("y") : nullptr, a.at("dy"),
                                                               a.at("scale"), a.at("mean"), a.at("inv_std"));
                       },
                   .gradients = {{"dx", "x"}, {"dscale", "scale"}, {"dshift", "shift"}},
                   .objective =
                       [=](const Arrays& a) {
                         const Array y = forward(a, s.relu).y;
                         double sum = 0;
                         for (std::int64_t i = 0; i < y.size(); ++i) sum += a.at("dy")[i] * y[i];
                         return sum;
                       },
                   .flops = (s.relu ? 7 : 5) * 4 * static_cast<double>(s.x.size()),
                   .timed_only = s.timed_only});
}

void add_affine(const char* name, const Shape& x, Activation activation, std::vector<OpCase>& cases) {
  const Shape c{x[-1]};
  cases.push_back(
      {.op = "batch_norm_forward",
       .name = name,
       .tolerance = 1e-6,
       .prepare =
           [=] {
             return Arrays{
                 {"x", uniform_array(x, 1)}, {"a", uniform_array(c, 2)}, {"c", uniform_array(c, 3)}, {"y", junk(x)}};
           },
       .run =
           [=](Backend& b, Tensors& t) {
             b.batch_norm_forward(t["x"], {&t["a"], &t["c"], nullptr, nullptr, activation}, t["y"]);
           },
       .expect =
           [=](const Arrays& a) {
             Array y = a.at("x");
             for (std::int64_t i = 0; i < y.size(); ++i) {
               const std::int64_t k = i % c[0];
               y[i] = a.at("a")[k] * y[i] + a.at("c")[k];
               if (activation == Activation::relu && y[i] < 0) y[i] = 0;
             }
             return Arrays{{"y", y}};
           }});
}

}  // namespace

std::vector<OpCase> batch_norm_cases() {
  const NormSetting settings[] = {
      {.name = "16 channels", .x = {4, 5, 5, 16}, .relu = false},
      {.name = "17 channels, relu", .x = {3, 7, 5, 17}, .relu = true},
      {.name = "1 channel, relu", .x = {5, 9, 9, 1}, .relu = true},
      {.name = "3 channels, several chunks", .x = {16, 28, 28, 3}, .relu = false},
      {.name = "61 channels, relu, half of them frozen", .x = {6, 6, 6, 61}, .relu = true, .frozen = true},
      {.name = "mean a hundred times the spread", .x = {8, 9, 9, 5}, .relu = false, .centre = 100},
      {.name = "vectors, 70 channels", .x = {33, 70}, .relu = true},
      {.name = "one row", .x = {1, 4}, .relu = false},
      {.name = "32 channels, 28x28, batch 128, relu", .x = {128, 28, 28, 32}, .relu = true, .timed_only = true},
      {.name = "64 channels, 14x14, batch 128, relu", .x = {128, 14, 14, 64}, .relu = true, .timed_only = true},
      {.name = "23 channels, 14x14, batch 256, relu", .x = {256, 14, 14, 23}, .relu = true, .timed_only = true},
  };
  std::vector<OpCase> cases;
  for (const NormSetting& s : settings) add_cases(s, cases);
  add_affine("17 channels, no statistics", {3, 4, 4, 17}, Activation::none, cases);
  add_affine("3 channels, relu, no statistics", {3, 4, 4, 3}, Activation::relu, cases);
  add_affine("no channels, no statistics", {3, 4, 4, 0}, Activation::relu, cases);
  return cases;
}

}  // namespace scnn::test
