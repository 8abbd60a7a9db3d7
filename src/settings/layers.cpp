// The table of settings, continued: layer types and their keys.
#include "settings/schema.h"

namespace scnn::config {
namespace {

constexpr NumberRange channel_count = between(1, 65535), stride = between(1, 1024);

struct Keys {
  SettingsVisitor& v;

  void operator()(Conv2dSpec& o) const {
    v.value({.key = "out", .doc = "output channels; a depthwise layer's default is its inputs", .range = channel_count},
            o.out);
    v.value({.key = "kernel", .doc = "n or [rows, columns]", .range = stride, .required = true}, o.kernel);
    v.value({.key = "stride", .doc = "n or [rows, columns]", .range = stride}, o.stride);
    v.padding({.key = "padding",
               .doc = "n, [rows, columns], same (floor(dilation * (kernel - 1) / 2)) or valid (none)",
               .range = between(0, 1024)},
              o.padding, o.pad);
    v.value({.key = "dilation", .doc = "distance of kernel taps: n or [rows, columns]", .range = stride}, o.dilation);
    v.groups({.key = "groups",
              .doc = "separate groups of channels: n, or depthwise for one for each input",
              .range = channel_count},
             o.groups, o.depthwise);
    v.value({.key = "bias", .doc = "a learned constant for each output channel"}, o.bias);
    if (v.missing("out")) {
      o.out = 0;  // as many as the inputs: known once the network is put together
      if (!o.depthwise) v.need("out", "the number of output channels");
    }
  }
  void operator()(LinearSpec& o) const {
    v.value({.key = "out", .doc = "outputs", .range = channel_count, .required = true}, o.out);
    v.value({.key = "bias", .doc = "a learned constant for each output"}, o.bias);
  }
  void operator()(BatchNormSpec& o) const {
    v.value({.key = "eps", .doc = "added to the variance", .range = above(0)}, o.eps);
    v.value({.key = "momentum",
             .doc = "share of the new batch in the running statistics",
             .range = {.min = 0, .max = 1, .open_min = true}},
            o.momentum);
  }
  void operator()(PoolSpec& o) const {
    if (o.global) return;
    v.value({.key = "kernel", .doc = "n or [rows, columns]", .range = stride}, o.kernel);
    v.value({.key = "stride", .doc = "n or [rows, columns]; the kernel if absent", .range = stride}, o.stride);
    if (v.missing("stride")) o.stride = o.kernel;
    v.padding({.key = "padding", .doc = "n, [rows, columns], same or valid", .range = between(0, 1024)}, o.padding,
              o.pad);
  }
  void operator()(DropoutSpec& o) const {
    v.value({.key = "rate", .doc = "share of values that become 0 in training", .range = share_below_1()}, o.rate);
  }
  void operator()(ScaleSpec& o) const {
    v.value({.key = "factor", .doc = "multiplies every value", .range = between(-1e30, 1e30), .required = true},
            o.factor);
  }
  void operator()(InputSpec&) const {}
  void operator()(ReluSpec&) const {}
  void operator()(FlattenSpec&) const {}
  void operator()(AddSpec&) const {}
  void operator()(ConcatSpec&) const {}
  void operator()(AffineSpec&) const {}
};

}  // namespace

std::span<const LayerType> layer_types() {
  constexpr std::size_t many = 1024;
  static const LayerType types[] = {
      {"conv2d", "convolution", Conv2dSpec{}},
      {"linear", "matrix product on a vector (after flatten, or a 1x1 image)", LinearSpec{}},
      {"batch_norm", "batch normalization for each channel, with a learned scale and shift", BatchNormSpec{}},
      {"relu", "max(x, 0)", ReluSpec{}},
      {"max_pool2d", "largest value of each window", PoolSpec{PoolKind::max}},
      {"avg_pool2d", "mean of each window", PoolSpec{PoolKind::average}},
      {"global_max_pool", "largest value of each channel", PoolSpec{PoolKind::max, true}},
      {"global_avg_pool", "mean of each channel", PoolSpec{PoolKind::average, true}},
      {"flatten", "image to vector, in (h, w, c) order", FlattenSpec{}},
      {"dropout", "values become 0 at random while training", DropoutSpec{}},
      {"scale", "every value times a constant", ScaleSpec{}},
      {"add", "sum of its inputs", AddSpec{}, 2, many},
      {"concat", "channels of its inputs side by side", ConcatSpec{}, 2, many},
  };
  return types;
}

void visit(SettingsVisitor& v, LayerOptions& options) { std::visit(Keys{v}, options); }

}  // namespace scnn::config
