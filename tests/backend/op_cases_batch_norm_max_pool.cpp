#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

struct PoolSetting {
  const char* name;
  Pool2d pool;
  bool relu = true, statistics = true, timed_only = false;

  [[nodiscard]] Shape x() const { return {pool.batch, pool.in_h, pool.in_w, pool.channels}; }
  [[nodiscard]] Shape y() const { return {pool.batch, pool.out_h, pool.out_w, pool.channels}; }
};

/// Without the activation.
Array normalized(const PoolSetting& s, const Arrays& a) {
  const Shape c{s.pool.channels};
  if (s.statistics) {
    return reference::batch_norm(a.at("x"), a.at("scale"), a.at("shift"), eps_of_cases, 0, nullptr, false, zeros(c),
                                 zeros(c))
        .y;
  }
  Array y = a.at("x");
  for (std::int64_t i = 0; i < y.size(); ++i) y[i] = a.at("scale")[i % c[0]] * y[i] + a.at("shift")[i % c[0]];
  return y;
}

reference::Pooled pooled(const PoolSetting& s, const Arrays& a) {
  auto r = reference::max_pool(s.pool, normalized(s, a));
  for (double& y : r.y.values) y = s.relu && y < 0 ? 0 : y;
  return r;
}

Arrays arguments(const PoolSetting& s) {
  const Shape c{s.pool.channels};
  Arrays a{{"x", uniform_array(s.x(), 1, -0.75, 1.25)},
           {"scale", uniform_array(c, 2, -2, 2)},  // of either sign: the winner may be the smallest x
           {"shift", uniform_array(c, 3)}};
  if (!s.statistics) return a;
  a["mean"] = uniform_array(c, 7);
  a["inv_std"] = uniform_array(c, 8, 1, 2);
  if (s.timed_only) return a;
  const auto r =
      reference::batch_norm(a["x"], a["scale"], a["shift"], eps_of_cases, 0, nullptr, false, zeros(c), zeros(c));
  a["mean"] = as_float(r.mean);
  a["inv_std"] = as_float(r.inv_std);
  return a;
}

BatchNorm terms(const PoolSetting& s, Tensors& t) {
  BatchNorm norm{&t["scale"], &t["shift"]};
  if (s.statistics) norm.mean = &t["mean"], norm.inv_std = &t["inv_std"];
  if (s.relu) norm.activation = Activation::relu;
  return norm;
}

void add_forward(const PoolSetting& s, double bytes, std::vector<OpCase>& cases) {
  cases.push_back(
      {.op = "batch_norm_max_pool_forward",
       .name = s.name,
       .tolerance = 4e-6,
       .prepare =
           [=] {
             Arrays a = arguments(s);
             a["y"] = junk(s.y());
             a["argmax"] = junk(s.y(), DType::uint8);
             return a;
           },
       .run = [=](Backend& b,
                  Tensors& t) { b.batch_norm_max_pool_forward(s.pool, t["x"], terms(s, t), t["y"], t["argmax"]); },
       .expect =
           [=](const Arrays& a) {
             const auto r = pooled(s, a);
             return Arrays{{"y", r.y}, {"argmax", r.argmax}};
           },
       .composed =
           [=](Backend& b, Tensors& t) {
             b.Backend::batch_norm_max_pool_forward(s.pool, t["x"], terms(s, t), t["y"], t["argmax"]);
           },
       .flops = bytes,
       .timed_only = s.timed_only});
}

void add_backward(const PoolSetting& s, double bytes, std::vector<OpCase>& cases) {
  const Shape c{s.pool.channels};
  cases.push_back({.op = "batch_norm_max_pool_backward",
                   .name = s.name,
                   .tolerance = 8e-6,
                   .prepare =
                       [=] {
                         Arrays a = arguments(s);
                         const auto r = pooled(s, a);
                         a["y"] = as_float(r.y);
                         a["argmax"] = r.argmax;
                         a["argmax"].dtype = DType::uint8;
                         a["dy"] = uniform_array(s.y(), 6);
                         a["dx"] = junk(s.x());
                         a["dscale"] = a["dshift"] = junk(c);
                         return a;
                       },
                   .run =
                       [=](Backend& b, Tensors& t) {
                         b.batch_norm_max_pool_backward(s.pool, t["x"], t["y"], t["argmax"], t["dy"], terms(s, t),
                                                        t["dx"], t["dscale"], t["dshift"]);
                       },
                   .expect =
                       [=](const Arrays& a) {
                         Array g = a.at("dy");
                         for (std::int64_t i = 0; i < g.size(); ++i) {
                           if (s.relu && a.at("y")[i] <= 0) g[i] = 0;
                         }
                         return reference::batch_norm_backward(a.at("x"), nullptr,
                                                               reference::max_pool_backward(s.pool, g, a.at("argmax")),
                                                               a.at("scale"), a.at("mean"), a.at("inv_std"));
                       },
                   .gradients = {{"dx", "x"}, {"dscale", "scale"}, {"dshift", "shift"}},
                   .objective =
                       [=](const Arrays& a) {
                         const Array y = pooled(s, a).y;
                         double sum = 0;
                         for (std::int64_t i = 0; i < y.size(); ++i) sum += a.at("dy")[i] * y[i];
                         return sum;
                       },
                   .composed =
                       [=](Backend& b, Tensors& t) {
                         b.Backend::batch_norm_max_pool_backward(s.pool, t["x"], t["y"], t["argmax"], t["dy"],
                                                                 terms(s, t), t["dx"], t["dscale"], t["dshift"]);
                       },
                   .flops = bytes,
                   .timed_only = s.timed_only});
}

}  // namespace

std::vector<OpCase> batch_norm_max_pool_cases() {
  const Window halves{2, 2, 2, 2, 0, 0, 1, 1};
  const PoolSetting settings[] = {
      {"2x2, 17 channels, relu", {3, 8, 6, 4, 3, 17, halves}},
      {"2x2, odd image, 70 channels", {2, 7, 9, 3, 4, 70, halves}, false},
      {"3x3 stride 2 padding 1, overlapping, 61 channels", {2, 9, 8, 5, 4, 61, {3, 3, 2, 2, 1, 1, 1, 1}}},
      {"3x3 stride 1, 1 channel", {2, 6, 6, 4, 4, 1, {3, 3, 1, 1, 0, 0, 1, 1}}},
      {"3x3 dilation 2 down", {2, 9, 9, 4, 5, 6, {3, 3, 2, 2, 1, 1, 2, 1}}, false},
      {"2x2 stride 3, places nobody reads", {2, 8, 8, 3, 3, 5, {2, 2, 3, 3, 0, 0, 1, 1}}},
      {"2x2, padding below and right", {2, 5, 5, 3, 3, 4, halves}},
      {"many lines, 3 channels", {24, 24, 24, 12, 12, 3, halves}},
      {"global", {5, 4, 4, 1, 1, 20, {4, 4, 1, 1, 0, 0, 1, 1}}},
      {"2 down, 3 across, padding across", {2, 7, 8, 3, 4, 6, {2, 3, 2, 2, 0, 1, 1, 1}}},
      {"no channels", {2, 4, 4, 2, 2, 0, halves}},
      {"empty batch", {0, 4, 4, 2, 2, 8, halves}},
      {"no statistics, relu", {2, 8, 6, 4, 3, 9, halves}, true, false},
      {"no statistics", {2, 8, 6, 4, 3, 33, halves}, false, false},
      {"28x28, 32 channels, batch 128", {128, 28, 28, 14, 14, 32, halves}, true, true, true},
      {"14x14, 23 channels, batch 256", {256, 14, 14, 7, 7, 23, halves}, true, true, true},
  };
  std::vector<OpCase> cases;
  for (const PoolSetting& s : settings) {
    const double bytes = 4.0 * static_cast<double>(s.x().size() + s.y().size());
    add_forward(s, bytes, cases);
    if (s.statistics) add_backward(s, 2 * bytes, cases);
  }
  return cases;
}

}  // namespace scnn::test
