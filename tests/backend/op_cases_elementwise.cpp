#include <algorithm>

#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

void add_gather(const char* name, const Shape& x, int axis, const std::vector<double>& indices, bool add,
                std::vector<OpCase>& cases) {
  Shape y = x;
  y.set(axis, static_cast<std::int64_t>(indices.size()));
  cases.push_back(
      {.op = "gather",
       .name = name,
       .tolerance = add ? 1e-7 : 0,
       .prepare =
           [=] {
             Array places{{static_cast<std::int64_t>(indices.size())}, indices, DType::int32};
             return Arrays{{"x", uniform_array(x, 1)}, {"indices", places}, {"y", add ? uniform_array(y, 2) : junk(y)}};
           },
       .run = [=](Backend& b, Tensors& t) { b.gather(t["x"], axis, t["indices"], add, t["y"]); },
       .expect =
           [=](const Arrays& a) {
             return Arrays{{"y", reference::gather(a.at("x"), axis, a.at("indices"), add ? &a.at("y") : nullptr)}};
           }});
}

void add_map(const char* op, const char* name, const Shape& shape, std::function<void(Backend&, Tensors&)> run,
             std::function<double(double x, double y)> map, bool reads_y, std::vector<OpCase>& cases) {
  cases.push_back(
      {.op = op,
       .name = name,
       .tolerance = 1e-6,
       .prepare =
           [=] {
             return Arrays{{"x", uniform_array(shape, 1)}, {"y", reads_y ? uniform_array(shape, 2) : junk(shape)}};
           },
       .run = std::move(run),
       .expect =
           [=](const Arrays& a) {
             Array y = a.at("y");
             for (std::int64_t i = 0; i < y.size(); ++i) y[i] = map(a.at("x")[i], y[i]);
             return Arrays{{"y", y}};
           }});
}

}  // namespace

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> cases;
  const auto scale = [](Backend& b, Tensors& t) { b.scale(t["x"], -1.5F, t["y"]); };
  const auto in_place = [](Backend& b, Tensors& t) { b.scale(t["y"], 0.125F, t["y"]); };
  const auto accumulate = [](Backend& b, Tensors& t) { b.accumulate(t["x"], 0.75F, t["y"]); };
  const auto fill = [](Backend& b, Tensors& t) { b.fill(t["y"], 2.5F); };
  const auto copy = [](Backend& b, Tensors& t) { b.copy(t["x"], t["y"]); };
  const auto relu = [](Backend& b, Tensors& t) { b.relu_forward(t["x"], t["y"]); };
  add_map(
      "scale", "1 element", {1}, scale, [](double x, double) { return -1.5 * x; }, false, cases);
  add_map(
      "scale", "70000 elements", {70000}, scale, [](double x, double) { return -1.5 * x; }, false, cases);
  add_map(
      "scale", "in place", {3, 17}, in_place, [](double, double y) { return 0.125 * y; }, true, cases);
  add_map(
      "accumulate", "61 x 3", {61, 3}, accumulate, [](double x, double y) { return y + 0.75 * x; }, true, cases);
  add_map(
      "accumulate", "70001", {70001}, accumulate, [](double x, double y) { return y + 0.75 * x; }, true, cases);
  add_map(
      "fill", "40000", {40000}, fill, [](double, double) { return 2.5; }, false, cases);
  add_map(
      "copy", "5 x 7", {5, 7}, copy, [](double x, double) { return x; }, false, cases);
  add_map(
      "relu_forward", "3 x 5 x 61", {3, 5, 61}, relu, [](double x, double) { return x > 0 ? x : 0; }, false, cases);
  add_map(
      "relu_forward", "nothing", {0, 3}, relu, [](double x, double) { return x > 0 ? x : 0; }, false, cases);

  const Shape image{3, 5, 5, 17};
  cases.push_back({.op = "relu_backward",
                   .name = "3 x 5 x 5 x 17",
                   .tolerance = 0,
                   .prepare =
                       [=] {
                         Arrays a{{"x", uniform_array(image, 1)}, {"dy", uniform_array(image, 2)}, {"dx", junk(image)}};
                         a["y"] = a["x"];
                         for (double& v : a["y"].values) v = v > 0 ? v : 0;
                         return a;
                       },
                   .run = [](Backend& b, Tensors& t) { b.relu_backward(t["y"], t["dy"], t["dx"]); },
                   .expect =
                       [](const Arrays& a) {
                         Array dx = a.at("dy");
                         for (std::int64_t i = 0; i < dx.size(); ++i) dx[i] = a.at("y")[i] > 0 ? dx[i] : 0;
                         return Arrays{{"dx", dx}};
                       },
                   .gradients = {{"dx", "x"}},
                   .objective =
                       [](const Arrays& a) {
                         double sum = 0;
                         for (std::int64_t i = 0; i < a.at("x").size(); ++i) {
                           sum += a.at("dy")[i] * std::max(a.at("x")[i], 0.0);
                         }
                         return sum;
                       }});

  add_gather("channels kept 61 -> 3", {2, 3, 3, 61}, -1, {4, 5, 60}, false, cases);
  add_gather("channels, two of them new", {2, 3, 3, 3}, -1, {-1, 0, 2, -1, 1}, false, cases);
  add_gather("channels, added", {2, 3, 3, 4}, 3, {0, -1, 1, 2, -1, 3}, true, cases);
  add_gather("rows", {7, 3, 3, 2}, 0, {6, 0, 3}, false, cases);
  add_gather("rows, added, one twice", {7, 5}, 0, {6, 6, -1}, true, cases);
  add_gather("all channels gone", {2, 3, 4}, -1, {}, false, cases);
  add_gather("from no channels", {2, 3, 0}, -1, {-1, -1}, false, cases);
  add_gather("an axis counted from behind", {3, 4, 5}, -2, {3, -1, 0}, false, cases);
  add_gather("middle axis of a large tensor", {300, 17, 16}, 1, {0, 1, 2, 5, 6, 7, 16}, false, cases);

  for (const std::int64_t n : {1, 7, 70002}) {
    for (const float rate : {0.0F, 0.3F, 0.9F}) {
      const RandomStream stream(11, Stream::dropout, 3);
      cases.push_back({.op = "dropout",
                       .name = "rate " + std::to_string(rate) + ", " + std::to_string(n),
                       .tolerance = 1e-6,
                       .prepare =
                           [=] {
                             return Arrays{{"x", uniform_array({n}, 1)}, {"y", junk({n})}};
                           },
                       .run = [=](Backend& b, Tensors& t) { b.dropout(t["x"], rate, stream, t["y"]); },
                       .expect =
                           [=](const Arrays& a) {
                             return Arrays{{"y", reference::dropout(a.at("x"), rate, stream)}};
                           }});
    }
  }
  return cases;
}

}  // namespace scnn::test
