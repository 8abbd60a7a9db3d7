#include <cmath>

#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

void add_cases(const char* name, const Pool2d& s, bool timed_only, std::vector<OpCase>& cases) {
  const Shape x{s.batch, s.in_h, s.in_w, s.channels};
  const Shape y{s.batch, s.out_h, s.out_w, s.channels};
  const auto weighted = [](const Array& dy, const Array& r) {
    double sum = 0;
    for (std::int64_t i = 0; i < r.size(); ++i) sum += dy[i] * r[i];
    return sum;
  };
  const double bytes = 4.0 * static_cast<double>(x.size() + y.size());
  cases.push_back({.op = "max_pool2d_forward",
                   .name = name,
                   .tolerance = 0,
                   .prepare =
                       [=] {
                         Arrays a{{"x", uniform_array(x, 1)}, {"y", junk(y)}, {"argmax", junk(y, DType::uint8)}};
                         // Equal neighbours: the first place wins.
                         for (std::int64_t i = 0; i < a["x"].size(); ++i) a["x"][i] = std::round(4 * a["x"][i]);
                         return a;
                       },
                   .run = [=](Backend& b, Tensors& t) { b.max_pool2d_forward(s, t["x"], t["y"], t["argmax"]); },
                   .expect =
                       [=](const Arrays& a) {
                         const auto r = reference::max_pool(s, a.at("x"));
                         return Arrays{{"y", r.y}, {"argmax", r.argmax}};
                       },
                   .flops = bytes,
                   .timed_only = timed_only});
  cases.push_back(
      {.op = "max_pool2d_backward",
       .name = name,
       .tolerance = 1e-6,
       .prepare =
           [=] {
             Arrays a{{"x", uniform_array(x, 1)}, {"dy", uniform_array(y, 2)}, {"dx", junk(x)}};
             a["argmax"] = reference::max_pool(s, a["x"]).argmax;
             a["argmax"].dtype = DType::uint8;
             return a;
           },
       .run = [=](Backend& b, Tensors& t) { b.max_pool2d_backward(s, t["dy"], t["argmax"], t["dx"]); },
       .expect =
           [=](const Arrays& a) {
             return Arrays{{"dx", reference::max_pool_backward(s, a.at("dy"), a.at("argmax"))}};
           },
       .gradients = {{"dx", "x"}},
       .objective = [=](const Arrays& a) { return weighted(a.at("dy"), reference::max_pool(s, a.at("x")).y); },
       .flops = bytes,
       .timed_only = timed_only});
  cases.push_back({.op = "avg_pool2d_forward",
                   .name = name,
                   .tolerance = 1e-6,
                   .prepare =
                       [=] {
                         return Arrays{{"x", uniform_array(x, 1)}, {"y", junk(y)}};
                       },
                   .run = [=](Backend& b, Tensors& t) { b.avg_pool2d_forward(s, t["x"], t["y"]); },
                   .expect =
                       [=](const Arrays& a) {
                         return Arrays{{"y", reference::avg_pool(s, a.at("x"))}};
                       },
                   .flops = bytes,
                   .timed_only = timed_only});
  cases.push_back(
      {.op = "avg_pool2d_backward",
       .name = name,
       .tolerance = 1e-6,
       .prepare =
           [=] {
             return Arrays{{"x", uniform_array(x, 1)}, {"dy", uniform_array(y, 2)}, {"dx", junk(x)}};
           },
       .run = [=](Backend& b, Tensors& t) { b.avg_pool2d_backward(s, t["dy"], t["dx"]); },
       .expect =
           [=](const Arrays& a) {
             return Arrays{{"dx", reference::avg_pool_backward(s, a.at("dy"))}};
           },
       .gradients = {{"dx", "x"}},
       .objective = [=](const Arrays& a) { return weighted(a.at("dy"), reference::avg_pool(s, a.at("x"))); },
       .flops = bytes,
       .timed_only = timed_only});
}

Pool2d pool(std::int64_t batch, std::int64_t h, std::int64_t w, std::int64_t channels, std::int64_t kernel,
            std::int64_t stride, std::int64_t pad) {
  Pool2d s{batch, h, w, (h + 2 * pad - kernel) / stride + 1, (w + 2 * pad - kernel) / stride + 1, channels, {}};
  s.window = {kernel, kernel, stride, stride, pad, pad, 1, 1};
  return s;
}

}  // namespace

std::vector<OpCase> pool_cases() {
  std::vector<OpCase> cases;
  add_cases("2x2 stride 2, 17 channels", pool(2, 8, 6, 17, 2, 2, 0), false, cases);
  add_cases("2x2 stride 2, odd image, 3 channels", pool(2, 7, 9, 3, 2, 2, 0), false, cases);
  add_cases("2x2 stride 2, 64 channels", pool(2, 8, 8, 64, 2, 2, 0), false, cases);
  add_cases("3x3 stride 2 padding 1, 61 channels", pool(2, 9, 8, 61, 3, 2, 1), false, cases);
  add_cases("3x3 stride 1, overlapping, 1 channel", pool(1, 6, 6, 1, 3, 1, 0), false, cases);
  add_cases("2x2 stride 3, places nobody reads", pool(2, 8, 8, 5, 2, 3, 0), false, cases);
  add_cases("global 7x7, 130 channels", pool(3, 7, 7, 130, 7, 1, 0), false, cases);
  add_cases("no channels", pool(2, 4, 4, 0, 2, 2, 0), false, cases);
  add_cases("empty batch", pool(0, 4, 4, 8, 2, 2, 0), false, cases);
  Pool2d dilated = pool(2, 9, 9, 6, 3, 2, 1);
  dilated.window.dilation_h = 2;
  dilated.out_h = (9 + 2 - 5) / 2 + 1;
  add_cases("3x3 dilation 2 down", dilated, false, cases);
  Pool2d beyond = pool(2, 5, 5, 4, 2, 2, 0);
  beyond.out_h = beyond.out_w = 3;
  add_cases("2x2 stride 2, padding below and right", beyond, false, cases);
  add_cases("2x2 stride 2, 28x28, 32 channels, batch 128", pool(128, 28, 28, 32, 2, 2, 0), true, cases);
  add_cases("2x2 stride 2, 14x14, 23 channels, batch 256", pool(256, 14, 14, 23, 2, 2, 0), true, cases);
  return cases;
}

}  // namespace scnn::test
