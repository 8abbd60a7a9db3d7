#include <algorithm>

#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

struct Geometry {
  const char* name;
  std::int64_t batch, in, in_c, out_c, kernel, stride, pad, dilation, groups;
  std::int64_t in_w = 0;  ///< 0: square
  bool same_out = false;  ///< as many outputs as inputs, whatever the padding above: asymmetric padding
  bool bias = false;
  bool quantized = false;
  bool timed_only = false;
};

Conv2d conv_of(const Geometry& g) {
  Conv2d s;
  s.batch = g.batch;
  s.in_h = g.in;
  s.in_w = g.in_w > 0 ? g.in_w : g.in;
  s.in_c = g.in_c;
  s.out_c = g.out_c;
  s.groups = g.groups;
  s.window = {g.kernel, g.kernel, g.stride, g.stride, g.pad, g.pad, g.dilation, g.dilation};
  const auto out = [&](std::int64_t in) {
    return g.same_out ? in : (in + 2 * g.pad - g.dilation * (g.kernel - 1) - 1) / g.stride + 1;
  };
  s.out_h = out(s.in_h);
  s.out_w = out(s.in_w);
  return s;
}

Array effective(const Arrays& a) {
  return a.contains("bits") ? reference::quantize(a.at("w"), a.at("bits"), a.at("exponents")) : a.at("w");
}

WeightView view(const Tensors& t) {
  if (!t.contains("bits")) return {&t.at("w")};
  return {&t.at("w"), &t.at("bits"), &t.at("exponents")};
}

void add_cases(const Geometry& g, std::vector<OpCase>& cases) {
  const Conv2d s = conv_of(g);
  const Shape x_shape{s.batch, s.in_h, s.in_w, s.in_c};
  const Shape y_shape{s.batch, s.out_h, s.out_w, s.out_c};
  const Shape w_shape{s.out_c, g.kernel, g.kernel, s.in_c / s.groups};
  const double products = static_cast<double>(y_shape.size()) * static_cast<double>(g.kernel * g.kernel) *
                          static_cast<double>(s.in_c / s.groups);
  // Minimal filtering at six or eight points, which the CPU does at stride 1, rounds several times as much as plain
  // sums do.
  const bool minimal = (g.kernel == 5 || g.kernel == 3) && g.stride == 1 && g.dilation == 1 && g.groups == 1;
  const double slack = minimal && std::min(g.in_c, g.out_c) >= 8 ? 4 : 1;
  const auto weights = [=] {
    Arrays a{{"w", uniform_array(w_shape, 2)}};
    if (g.quantized) {
      a["bits"] = uniform_array({s.out_c}, 5, 1, 5);
      a["exponents"] = uniform_array({s.out_c}, 6, -4, -1);
    }
    return a;
  };
  const auto bias_of = [](const auto& a) { return a.contains("bias") ? &a.at("bias") : nullptr; };

  cases.push_back({.op = "conv2d_forward",
                   .name = g.name,
                   .tolerance = slack * 2e-6,
                   .prepare =
                       [=] {
                         Arrays a = weights();
                         a["x"] = uniform_array(x_shape, 1);
                         if (g.bias) a["bias"] = uniform_array({s.out_c}, 3);
                         a["y"] = junk(y_shape);
                         return a;
                       },
                   .run = [=](Backend& b, Tensors& t) { b.conv2d_forward(s, t["x"], view(t), bias_of(t), t["y"]); },
                   .expect =
                       [=](const Arrays& a) {
                         return Arrays{{"y", reference::conv2d_forward(s, a.at("x"), effective(a), bias_of(a))}};
                       },
                   .flops = 2 * products,
                   .timed_only = g.timed_only});
  cases.push_back({.op = "conv2d_backward_data",
                   .name = g.name,
                   .tolerance = slack * 2e-6,
                   .prepare =
                       [=] {
                         Arrays a = weights();
                         a["dy"] = uniform_array(y_shape, 4);
                         a["x"] = uniform_array(x_shape, 1);
                         a["dx"] = junk(x_shape);
                         return a;
                       },
                   .run = [=](Backend& b, Tensors& t) { b.conv2d_backward_data(s, t["dy"], view(t), t["dx"]); },
                   .expect =
                       [=](const Arrays& a) {
                         return Arrays{{"dx", reference::conv2d_backward_data(s, a.at("dy"), effective(a))}};
                       },
                   .gradients = {{"dx", "x"}},
                   .objective =
                       [=](const Arrays& a) {
                         return dot(a.at("dy"), reference::conv2d_forward(s, a.at("x"), effective(a), nullptr));
                       },
                   .flops = 2 * products,
                   .timed_only = g.timed_only});
  if (g.quantized) return;  // its weight gradient is that of the effective weights
  cases.push_back({.op = "conv2d_backward_weights",
                   .name = g.name,
                   .tolerance = slack * 4e-6,
                   .prepare =
                       [=] {
                         Arrays a{{"x", uniform_array(x_shape, 1)},
                                  {"dy", uniform_array(y_shape, 4)},
                                  {"dw", junk(w_shape)},
                                  {"w", uniform_array(w_shape, 2)}};
                         if (g.bias) {
                           a["bias"] = uniform_array({s.out_c}, 3);
                           a["dbias"] = junk({s.out_c});
                         }
                         return a;
                       },
                   .run =
                       [=](Backend& b, Tensors& t) {
                         b.conv2d_backward_weights(s, t["x"], t["dy"], t["dw"], g.bias ? &t["dbias"] : nullptr);
                       },
                   .expect =
                       [=](const Arrays& a) {
                         Arrays r{{"dw", reference::conv2d_backward_weights(s, a.at("x"), a.at("dy"))}};
                         if (g.bias) r["dbias"] = reference::channel_sums(a.at("dy"));
                         return r;
                       },
                   .gradients = g.bias
                                    ? std::vector<std::pair<std::string, std::string>>{{"dw", "w"}, {"dbias", "bias"}}
                                    : std::vector<std::pair<std::string, std::string>>{{"dw", "w"}},
                   .objective =
                       [=](const Arrays& a) {
                         return dot(a.at("dy"), reference::conv2d_forward(s, a.at("x"), a.at("w"), bias_of(a)));
                       },
                   .flops = 2 * products,
                   .timed_only = g.timed_only});
}

}  // namespace

std::vector<OpCase> conv2d_cases() {
  // name, batch, in, in_c, out_c, kernel, stride, pad, dilation, groups
  const Geometry geometries[] = {
      {"3x3 16->32", 2, 8, 16, 32, 3, 1, 1, 1, 1},
      {.name = "3x3 1->8, bias",
       .batch = 3,
       .in = 9,
       .in_c = 1,
       .out_c = 8,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .bias = true},
      {"5x5 stride 2 1->17", 2, 12, 1, 17, 5, 2, 2, 1, 1},
      {"4x4 stride 3 4->8, columns unread, batch 70", 70, 12, 4, 8, 4, 3, 0, 1, 1},
      {.name = "3x3 3->29, 7x40, bias",
       .batch = 3,
       .in = 7,
       .in_c = 3,
       .out_c = 29,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .in_w = 40,
       .bias = true},
      {"5x5 1->48, 70x70", 1, 70, 1, 48, 5, 1, 2, 1, 1},
      {"5x5 16->24, one output", 3, 5, 16, 24, 5, 1, 0, 1, 1},
      {"5x5 16->24, 2x2 outputs", 3, 6, 16, 24, 5, 1, 0, 1, 1},
      {"5x5 13->12 same, 13x13", 2, 13, 13, 12, 5, 1, 2, 1, 1},
      {"5x5 9->17", 2, 11, 9, 17, 5, 1, 0, 1, 1},
      {"5x5 25->33 valid", 2, 11, 25, 33, 5, 1, 0, 1, 1},
      {"5x5 32->24 same", 3, 8, 32, 24, 5, 1, 2, 1, 1},
      {.name = "5x5 24->29 full, 7x10, bias",
       .batch = 2,
       .in = 7,
       .in_c = 24,
       .out_c = 29,
       .kernel = 5,
       .stride = 1,
       .pad = 4,
       .dilation = 1,
       .groups = 1,
       .in_w = 10,
       .bias = true},
      {.name = "5x5 24->25 quantized",
       .batch = 2,
       .in = 6,
       .in_c = 24,
       .out_c = 25,
       .kernel = 5,
       .stride = 1,
       .pad = 2,
       .dilation = 1,
       .groups = 1,
       .quantized = true},
      {.name = "3x3 17->61, bias, wide image",
       .batch = 2,
       .in = 7,
       .in_c = 17,
       .out_c = 61,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .in_w = 11,
       .bias = true},
      {"3x3 61->3 stride 2, one row unread", 2, 10, 61, 3, 3, 2, 0, 1, 1},
      {"3x3 dilation 2, 5->7", 2, 9, 5, 7, 3, 1, 2, 2, 1},
      {"1x1 33->9, batch 1", 1, 5, 33, 9, 1, 1, 0, 1, 1},
      {"1x1 72->132, 588 pixels", 3, 14, 72, 132, 1, 1, 0, 1, 1},
      {"3x3 67->71", 1, 6, 67, 71, 3, 1, 1, 1, 1},
      {"3x3 88->90, one tile of 4x4", 2, 4, 88, 90, 3, 1, 1, 1, 1},
      {"3x3 90->92, few tiles for its filters", 2, 4, 90, 92, 3, 1, 1, 1, 1},
      {"1x1 40->48", 2, 6, 40, 48, 1, 1, 0, 1, 1},
      {"1x1 stride 2 8->8", 2, 7, 8, 8, 1, 2, 0, 1, 1},
      {.name = "2x2 same, padding below and right",
       .batch = 2,
       .in = 6,
       .in_c = 3,
       .out_c = 5,
       .kernel = 2,
       .stride = 1,
       .pad = 0,
       .dilation = 1,
       .groups = 1,
       .same_out = true},
      {.name = "3x3 four groups 8->12, bias",
       .batch = 2,
       .in = 6,
       .in_c = 8,
       .out_c = 12,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 4,
       .bias = true},
      {"1x1 four groups 8->24, 600 pixels", 6, 10, 8, 24, 1, 1, 0, 1, 4},
      {"3x3 depthwise 17", 2, 8, 17, 17, 3, 1, 1, 1, 17},
      {"3x3 depthwise 32 stride 2", 2, 8, 32, 32, 3, 2, 1, 1, 32},
      {.name = "3x3 depthwise 6, two outputs each, bias",
       .batch = 2,
       .in = 8,
       .in_c = 6,
       .out_c = 12,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 6,
       .bias = true},
      {.name = "3x3 no input channels, bias",
       .batch = 2,
       .in = 5,
       .in_c = 0,
       .out_c = 4,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .bias = true},
      {"3x3 no output channels", 2, 5, 4, 0, 3, 1, 1, 1, 1},
      {"3x3 empty batch", 0, 5, 4, 6, 3, 1, 1, 1, 1},
      {.name = "3x3 9->13 quantized",
       .batch = 2,
       .in = 6,
       .in_c = 9,
       .out_c = 13,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .bias = true,
       .quantized = true},
      {.name = "3x3 32->64, 14x14, batch 256",
       .batch = 256,
       .in = 14,
       .in_c = 32,
       .out_c = 64,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .timed_only = true},
      {.name = "3x3 32->32, 28x28, batch 128",
       .batch = 128,
       .in = 28,
       .in_c = 32,
       .out_c = 32,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .timed_only = true},
      {.name = "5x5 32->32, 24x24, batch 128",
       .batch = 128,
       .in = 24,
       .in_c = 32,
       .out_c = 32,
       .kernel = 5,
       .stride = 1,
       .pad = 0,
       .dilation = 1,
       .groups = 1,
       .timed_only = true},
      {.name = "3x3 1->32, 28x28, batch 128",
       .batch = 128,
       .in = 28,
       .in_c = 1,
       .out_c = 32,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .timed_only = true},
      {.name = "3x3 3->64, 32x32, batch 64",
       .batch = 64,
       .in = 32,
       .in_c = 3,
       .out_c = 64,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .timed_only = true},
      {.name = "3x3 19->23, 14x14, batch 256",
       .batch = 256,
       .in = 14,
       .in_c = 19,
       .out_c = 23,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 1,
       .timed_only = true},
      {.name = "1x1 32->64, 14x14, batch 256",
       .batch = 256,
       .in = 14,
       .in_c = 32,
       .out_c = 64,
       .kernel = 1,
       .stride = 1,
       .pad = 0,
       .dilation = 1,
       .groups = 1,
       .timed_only = true},
      {.name = "3x3 depthwise 32, 14x14, batch 256",
       .batch = 256,
       .in = 14,
       .in_c = 32,
       .out_c = 32,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 32,
       .timed_only = true},
      {.name = "3x3 depthwise 29, 14x14, batch 256",
       .batch = 256,
       .in = 14,
       .in_c = 29,
       .out_c = 29,
       .kernel = 3,
       .stride = 1,
       .pad = 1,
       .dilation = 1,
       .groups = 29,
       .timed_only = true},
  };
  std::vector<OpCase> cases;
  for (const Geometry& g : geometries) add_cases(g, cases);
  return cases;
}

}  // namespace scnn::test
