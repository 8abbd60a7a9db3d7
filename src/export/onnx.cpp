#include "export/onnx.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "export/onnx_weights.h"
#include "packed/format.h"

namespace scnn {
namespace {

using deploy::OnnxAttribute;
using deploy::OnnxGraph;

/// A layer's output in the ONNX graph, [N, C, H, W], or [N, C] where it is `flat` (H = W = 1).
struct Value {
  std::string name;  ///< empty: no channels
  bool flat = false;
  std::int64_t h = 1, w = 1;
};

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorKind::checkpoint, "damaged model: " + what + "; export it again");
}

struct Fit {
  Extent2 pad;
  std::int64_t h, w;
};
Fit fit(const Value& in, const Extent2& kernel, const Extent2& stride, const Extent2& dilation, Padding padding,
        const Extent2& explicit_pad) {
  const Extent2 reach{dilation.h * (kernel.h - 1), dilation.w * (kernel.w - 1)};
  const Extent2 pad = padding == Padding::same    ? Extent2{reach.h / 2, reach.w / 2}
                      : padding == Padding::valid ? Extent2{0, 0}
                                                  : explicit_pad;
  if (in.h + 2 * pad.h <= reach.h || in.w + 2 * pad.w <= reach.w) damaged("a window does not fit its image");
  return {pad, (in.h + 2 * pad.h - reach.h - 1) / stride.h + 1, (in.w + 2 * pad.w - reach.w - 1) / stride.w + 1};
}

std::vector<std::int64_t> pair(const Extent2& extent) { return {extent.h, extent.w}; }

class Exporter {
 public:
  Exporter(const PackedModel& model, const OnnxOptions& options)
      : model_(model), options_(options), sets_(node_sets(model.network)), needed_(model.network.size(), false) {
    needed_.back() = true;
    for (std::size_t i = needed_.size(); i-- > 0;) {
      for (const int from : model.network[i].inputs) {
        const auto source = static_cast<std::size_t>(from);
        needed_[source] = needed_[source] || (needed_[i] && !set_of(i).empty());
      }
    }
  }

  OnnxFile run() {
    const auto& input = std::get<InputSpec>(model_.network.front().options);
    const std::string image = graph_.unique("image");
    const std::string logits = graph_.unique("logits");
    for (node_ = 0; node_ < model_.network.size(); ++node_) {
      const LayerSpec& spec = model_.network[node_];
      values_.emplace_back();
      if (!spec.inputs.empty()) {
        values_.back().h = source(0).h;
        values_.back().w = source(0).w;
      }
      if (node_ == 0) {
        values_.back() = {normalized(image, input.channels), false, input.h, input.w};
      } else if (needed_[node_]) {
        values_.back() = std::visit(*this, spec.options);
      }
    }
    Value last = values_.back();
    if (last.name.empty() || last.h * last.w != 1) damaged("its last layer does not give logits");
    if (!last.flat) last.name = graph_.node("Flatten", {last.name}, "logits", {{"axis", std::int64_t{1}}});
    graph_.rename(last.name, logits);
    file_.bytes = graph_.file(model_.name.empty() ? "scnn" : model_.name, options_.opset,
                              {image, {0, input.channels, input.h, input.w}},
                              {logits, {0, set_of(model_.network.size() - 1).size()}}, metadata());
    return std::move(file_);
  }

  Value operator()(const Conv2dSpec& spec) {
    const Value in = source(0);
    const ChannelSet& channels = set_of_source(0);
    const Fit out = fit(in, spec.kernel, spec.stride, spec.dilation, spec.padding, spec.pad);
    if (set_of(node_).empty()) return {"", false, out.h, out.w};
    if (in.name.empty()) return constant(out.h, out.w);
    std::string x = image(in);
    std::int64_t groups = spec.depthwise ? channels.original() : spec.groups;
    if (groups > 1) {
      const ChannelSet wanted = inputs_of_groups(channels, groups, spec.out / groups);
      x = gather(x, channel_map(channels, wanted), channels, 4);
      groups = wanted.size() / (channels.original() / groups);
    }
    const std::string y = graph_.node("Conv", with_bias({x, weights(false)}), name(),
                                      {{"kernel_shape", pair(spec.kernel)},
                                       {"strides", pair(spec.stride)},
                                       {"dilations", pair(spec.dilation)},
                                       {"pads", std::vector{out.pad.h, out.pad.w, out.pad.h, out.pad.w}},
                                       {"group", groups}});
    return {y, false, out.h, out.w};
  }

  Value operator()(const LinearSpec& /*spec*/) {
    const Value in = source(0);
    if (set_of(node_).empty()) return {"", true};
    if (in.name.empty()) return constant(1, 1);
    const std::string x =
        in.flat ? in.name : graph_.node("Flatten", {in.name}, name() + "/input", {{"axis", std::int64_t{1}}});
    return {graph_.node("Gemm", with_bias({x, weights(true)}), name(), {{"transB", std::int64_t{1}}}), true};
  }

  Value operator()(const AffineSpec& /*spec*/) {
    Value value = source(0);
    if (value.name.empty()) return value;
    const PackedAffine& affine = model_.affines[node_];
    value.name = multiply_add(value.name, name(), affine.a, affine.c, value.flat);
    return value;
  }

  Value operator()(const ReluSpec& /*spec*/) {
    Value value = source(0);
    if (!value.name.empty()) value.name = graph_.node("Relu", {value.name}, name());
    return value;
  }

  Value operator()(const ScaleSpec& spec) {
    Value value = source(0);
    if (value.name.empty()) return value;
    const std::string factor = graph_.floats(name() + "/factor", {}, std::vector<float>{spec.factor});
    value.name = graph_.node("Mul", {value.name, factor}, name());
    return value;
  }

  Value operator()(const PoolSpec& spec) {
    const Value in = source(0);
    const bool average = spec.kind == PoolKind::average;
    const Fit out = spec.global ? Fit{{0, 0}, 1, 1} : fit(in, spec.kernel, spec.stride, {1, 1}, spec.padding, spec.pad);
    if (in.name.empty()) return {"", false, out.h, out.w};
    const std::string x = image(in);
    if (spec.global) return {graph_.node(average ? "GlobalAveragePool" : "GlobalMaxPool", {x}, name()), false};
    std::vector<OnnxAttribute> attributes = {{"kernel_shape", pair(spec.kernel)},
                                             {"strides", pair(spec.stride)},
                                             {"pads", std::vector{out.pad.h, out.pad.w, out.pad.h, out.pad.w}}};
    if (average) attributes.emplace_back("count_include_pad", std::int64_t{0});
    return {graph_.node(average ? "AveragePool" : "MaxPool", {x}, name(), std::move(attributes)), false, out.h, out.w};
  }

  Value operator()(const FlattenSpec& /*spec*/) { return source(0); }  // a linear layer's weights know the order

  Value operator()(const AddSpec& /*spec*/) {
    const ChannelSet& channels = set_of(node_);
    Value sum{"", joined_flat(), source(0).h, source(0).w};
    if (channels.empty()) return sum;
    for (std::size_t k = 0; k < spec().inputs.size(); ++k) {
      if (source(k).name.empty()) continue;
      const ChannelSet& from = set_of_source(k);
      const std::string part = gather(shaped(source(k), sum.flat), channel_map(from, channels), from, rank(sum));
      sum.name = sum.name.empty() ? part : graph_.node("Add", {sum.name, part}, name());
    }
    return sum.name.empty() ? constant(sum.h, sum.w) : sum;
  }

  Value operator()(const ConcatSpec& /*spec*/) {
    const ChannelSet& channels = set_of(node_);
    Value out{"", joined_flat(), source(0).h, source(0).w};
    std::vector<std::string> parts;
    std::vector<std::int32_t> live;
    std::int32_t offset = 0;
    for (std::size_t k = 0; k < spec().inputs.size(); ++k) {
      for (const std::int32_t channel : set_of_source(k).live()) live.push_back(offset + channel);
      offset += set_of_source(k).original();
      if (!source(k).name.empty()) parts.push_back(shaped(source(k), out.flat));
    }
    if (channels.empty()) return out;
    if (offset != channels.original()) damaged("layer '" + spec().name + "': its channels do not fit its inputs");
    if (parts.empty()) return constant(out.h, out.w);
    out.name = parts.size() == 1 ? parts.front() : graph_.node("Concat", parts, name(), {{"axis", std::int64_t{1}}});
    const ChannelSet all(offset, std::move(live));
    out.name = gather(out.name, channel_map(all, channels), all, rank(out));
    return out;
  }

  template <class T>
  Value operator()(const T& /*spec*/) {
    damaged("layer '" + spec().name + "' is not one of a packed model");
  }

 private:
  [[nodiscard]] const LayerSpec& spec() const { return model_.network[node_]; }
  [[nodiscard]] const std::string& name() const { return spec().name; }
  [[nodiscard]] const ChannelSet& set_of(std::size_t node) const {
    return model_.sets[static_cast<std::size_t>(sets_[node])];
  }
  [[nodiscard]] const ChannelSet& set_of_source(std::size_t k) const {
    return set_of(static_cast<std::size_t>(spec().inputs.at(k)));
  }
  [[nodiscard]] const Value& source(std::size_t k) const {
    return values_[static_cast<std::size_t>(spec().inputs.at(k))];
  }
  static int rank(const Value& value) { return value.flat ? 2 : 4; }

  /// Whether all inputs are [N, C].
  [[nodiscard]] bool joined_flat() const {
    return std::ranges::all_of(spec().inputs, [this](int from) {
      const Value& value = values_[static_cast<std::size_t>(from)];
      return value.flat || value.name.empty();
    });
  }
  std::string image(const Value& value) {
    if (!value.flat) return value.name;
    return graph_.node("Unsqueeze", {value.name, graph_.indices(value.name + "/axes", {2, 3})}, value.name + "/image");
  }
  std::string shaped(const Value& value, bool flat) { return flat ? value.name : image(value); }

  /// Channels at the places `map` names; -1: a channel of zeros.
  std::string gather(const std::string& x, const std::vector<std::int32_t>& map, const ChannelSet& from, int rank) {
    std::vector<std::int64_t> places(map.begin(), map.end());
    std::int64_t next = 0;
    if (std::ranges::all_of(places, [&](std::int64_t place) { return place == next++; }) && next == from.size()) {
      return x;
    }
    std::string padded = x;
    if (std::ranges::find(places, -1) != places.end()) {
      std::ranges::replace(places, -1, from.size());
      std::vector<std::int64_t> pads(static_cast<std::size_t>(rank) * 2, 0);
      pads[static_cast<std::size_t>(rank) + 1] = 1;  // behind the last channel
      padded = graph_.node("Pad", {x, graph_.indices(name() + "/pads", pads)}, name() + "/padded");
    }
    return graph_.node("Gather", {padded, graph_.indices(name() + "/channels", places)}, name() + "/gathered",
                       {{"axis", std::int64_t{1}}});
  }

  /// All inputs of the groups whose outputs are live.
  ChannelSet inputs_of_groups(const ChannelSet& channels, std::int64_t groups, std::int64_t outputs) {
    const auto inputs = static_cast<std::int32_t>(channels.original() / groups);
    const std::span<const std::int32_t> live = set_of(node_).live();
    std::vector<std::int32_t> wanted;
    for (std::size_t at = 0; at < live.size(); at += static_cast<std::size_t>(outputs)) {
      const std::size_t last = at + static_cast<std::size_t>(outputs) - 1;
      if (live[at] % outputs != 0 || last >= live.size() || live[last] != live[at] + outputs - 1) {
        damaged("layer '" + name() + "' has part of a group");
      }
      const auto first = static_cast<std::int32_t>(live[at] / outputs) * inputs;
      for (std::int32_t i = 0; i < inputs; ++i) wanted.push_back(first + i);
    }
    return {channels.original(), std::move(wanted)};
  }

  std::string weights(bool flat) {
    return deploy::onnx_weights(graph_, model_.layers[node_], name(), flat, options_, file_.weights.emplace_back());
  }

  std::vector<std::string> with_bias(std::vector<std::string> inputs) {
    const std::vector<float>& bias = model_.layers[node_].bias;
    if (!bias.empty()) {
      inputs.push_back(graph_.floats(name() + "/bias", {static_cast<std::int64_t>(bias.size())}, bias));
    }
    return inputs;
  }

  std::string multiply_add(const std::string& x, const std::string& stem, const std::vector<float>& a,
                           const std::vector<float>& c, bool flat) {
    std::vector<std::int64_t> shape(flat ? 1 : 3, 1);
    shape[0] = static_cast<std::int64_t>(a.size());
    const std::string scaled = graph_.node("Mul", {x, graph_.floats(stem + "/a", shape, a)}, stem + "/scaled");
    return graph_.node("Add", {scaled, graph_.floats(stem + "/c", shape, c)}, stem);
  }

  /// Pixels of 0 to 255 become (v / 255 - mean) / std.
  std::string normalized(const std::string& image, std::int64_t channels) {
    const Normalization& from = model_.normalization;
    std::vector<float> a(static_cast<std::size_t>(channels), 1.0F / 255.0F), c(a.size(), 0.0F);
    for (std::size_t i = 0; i < from.mean.size(); ++i) {
      a[i] = static_cast<float>(1.0 / (255.0 * static_cast<double>(from.std[i])));
      c[i] = static_cast<float>(-static_cast<double>(from.mean[i]) / static_cast<double>(from.std[i]));
    }
    return multiply_add(image, name(), a, c, false);
  }

  /// A layer without inputs gives its bias at every place of every image.
  Value constant(std::int64_t h, std::int64_t w) {
    const std::int64_t channels = set_of(node_).size();
    std::vector<float> bias = model_.layers[node_].bias;
    bias.resize(static_cast<std::size_t>(channels), 0.0F);
    const std::string shape = graph_.node("Shape", {values_.front().name}, name() + "/image_shape");
    const std::string batch = graph_.node("Gather", {shape, graph_.indices(name() + "/first", {0})}, name() + "/batch");
    const std::string wanted = graph_.node("Concat", {batch, graph_.indices(name() + "/extents", {channels, h, w})},
                                           name() + "/shape", {{"axis", std::int64_t{0}}});
    const std::string row = graph_.floats(name() + "/bias", {1, channels, 1, 1}, bias);
    return {graph_.node("Expand", {row, wanted}, name()), false, h, w};
  }

  std::vector<std::pair<std::string, std::string>> metadata() const {
    const auto text = [](const auto& value) {
      return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    std::vector<std::pair<std::string, std::string>> entries = {
        {"input", "image: pixels of 0 to 255 as float32, NCHW; the graph normalizes them, (v / 255 - mean) / std"},
        {"input_range", "[0,255]"},
        {"output", "logits: the largest is the class"}};
    if (!model_.normalization.mean.empty()) {
      entries.emplace_back("mean", text(model_.normalization.mean));
      entries.emplace_back("std", text(model_.normalization.std));
    }
    if (!model_.class_names.empty()) entries.emplace_back("class_names", text(model_.class_names));
    return entries;
  }

  const PackedModel& model_;
  OnnxOptions options_;
  std::vector<SetId> sets_;
  std::vector<bool> needed_;
  std::size_t node_ = 0;
  OnnxGraph graph_;
  std::vector<Value> values_;
  OnnxFile file_;
};

}  // namespace

OnnxFile encode_onnx(const PackedModel& model, const OnnxOptions& options) {
  if (options.opset != 13 && options.opset != 21) {
    throw Error(ErrorKind::usage, "export onnx: opset " + std::to_string(options.opset) + " is not 13 or 21");
  }
  deploy::check_model(model, damaged);
  return Exporter(model, options).run();
}

}  // namespace scnn
