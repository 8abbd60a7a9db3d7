#include "random_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "scnn/core/random.h"

namespace scnn::test {
namespace {

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : stream_(seed, Stream::probe) {}

  PackedModel make() {
    model_.name = "net";
    model_.integers = chance(70) ? IntegerForm::coded : IntegerForm::bits;
    const auto channels = static_cast<std::int32_t>(1 + below(3));
    h_ = 4 + static_cast<std::int64_t>(below(6));
    w_ = 4 + static_cast<std::int64_t>(below(6));
    add(InputSpec{channels, h_, w_}, {});
    own_set(ChannelSet(channels));
    for (std::int32_t c = 0; c < channels; ++c) {
      model_.normalization.mean.push_back(real(-1, 1));
      model_.normalization.std.push_back(real(0.2F, 2));
    }
    const std::uint64_t blocks = 1 + below(4);
    for (std::uint64_t i = 0; i < blocks; ++i) block();
    head();
    return std::move(model_);
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return stream_.below(next_++, bound); }
  bool chance(int percent) { return below(100) < static_cast<std::uint64_t>(percent); }
  float real(float low, float high) { return low + (high - low) * uniform(stream_.draws(next_++).v[0]); }

  int add(LayerOptions options, std::vector<int> inputs) {
    const int node = static_cast<int>(model_.network.size());
    LayerSpec spec;
    const char* stem = std::holds_alternative<AffineSpec>(options) ? "batch_norm" : type_name(options);
    spec.name = chance(60) ? stem : "layer";
    spec.name.append("_").append(std::to_string(node)).append(chance(20) ? "x" : "");
    spec.options = options;
    spec.inputs = std::move(inputs);
    model_.network.push_back(spec);
    model_.layers.emplace_back();
    model_.affines.emplace_back();
    sets_.push_back(spec.inputs.empty() ? no_set : sets_[static_cast<std::size_t>(spec.inputs.front())]);
    return node;
  }
  void own_set(ChannelSet set) {
    sets_.back() = static_cast<SetId>(model_.sets.size());
    model_.sets.push_back(std::move(set));
  }
  [[nodiscard]] const ChannelSet& set_of(int node) const {
    return model_.sets[static_cast<std::size_t>(sets_[static_cast<std::size_t>(node)])];
  }
  int last() const { return static_cast<int>(model_.network.size()) - 1; }

  /// Live channels in whole blocks, at least one of them.
  ChannelSet some(std::int32_t original, std::int32_t block) {
    std::vector<std::int32_t> live;
    const bool full = chance(30);
    const auto kept = static_cast<std::int32_t>(below(static_cast<std::uint64_t>(original / block)));
    for (std::int32_t b = 0; b < original / block; ++b) {
      if (!full && b != kept && chance(40)) continue;
      for (std::int32_t c = 0; c < block; ++c) live.push_back(b * block + c);
    }
    return {original, std::move(live)};
  }

  /// Of the kind that the whole model has: powers of two, with an exact half, or any; some negative.
  float scale() {
    if (scales_ == 0) return std::ldexp(1.0F, -1 - static_cast<int>(below(9)));
    const float value = std::exp2(real(-9, -1)) * (chance(10) ? -1.0F : 1.0F);
    return scales_ == 1 ? std::ldexp(std::rint(std::ldexp(value, 10)), -10) : value;
  }

  IntegerChannel channel(std::size_t size, const std::vector<bool>& zero_column) {
    IntegerChannel row;
    row.scale = scale();
    const std::uint64_t kind = below(10);
    const int bits = kind == 0 ? 0 : kind == 1 ? 17 : 1 + static_cast<int>(below(8));
    const std::int32_t constant = kind == 2 ? -9 : 0;
    for (std::size_t k = 0; k < size; ++k) {
      const auto span = static_cast<std::int32_t>(1U << static_cast<unsigned>(bits));
      std::int32_t value = static_cast<std::int32_t>(below(static_cast<std::uint64_t>(span))) - span / 2;
      if (kind < 3 && kind != 1) value = constant;
      row.integers.push_back(zero_column[k % zero_column.size()] ? 0 : value);
    }
    if (std::ranges::all_of(row.integers, [](std::int32_t v) { return v == 0; })) row.scale = 0;
    return row;
  }

  void fill(int node, Extent2 window, bool bias, bool may_quantize, std::int64_t inputs) {
    PackedLayer& layer = model_.layers[static_cast<std::size_t>(node)];
    const std::int64_t outputs = set_of(node).size();
    layer.shape = {outputs, window.h, window.w, inputs};
    const auto row = static_cast<std::size_t>(window.h * window.w * inputs);
    std::vector<bool> zero(static_cast<std::size_t>(inputs));
    for (std::size_t i = 0; i < zero.size(); ++i) zero[i] = zero.size() > 1 && chance(25);
    const bool quantized = may_quantize && chance(80);
    for (std::int64_t o = 0; o < outputs; ++o) {
      if (quantized) layer.channels.push_back(channel(row, zero));
      for (std::size_t k = 0; !quantized && k < row; ++k) {
        layer.weights.push_back(zero[k % zero.size()] ? 0.0F : real(-0.5F, 0.5F));
      }
      if (bias) layer.bias.push_back(chance(40) ? 0.0F : real(-0.5F, 0.5F));
    }
  }

  int conv(int from, std::int64_t stride) {
    const ChannelSet in = set_of(from);
    Conv2dSpec spec;
    spec.kernel = chance(60) ? Extent2{3, 3} : Extent2{1, 1};
    spec.stride = {stride, stride};
    spec.dilation = chance(20) && spec.kernel.h == 3 && h_ > 5 && w_ > 5 ? Extent2{2, 1} : Extent2{1, 1};
    spec.padding = chance(50) ? Padding::same : Padding::explicit_;
    if (spec.padding == Padding::explicit_) spec.pad = {spec.dilation.h * (spec.kernel.h / 2), spec.kernel.w / 2};
    spec.bias = chance(50);
    std::int32_t block = 1;
    const std::uint64_t form = below(5);
    spec.out = 3 + static_cast<std::int64_t>(below(8));
    std::int64_t inputs = in.size();
    if (form == 0) {
      spec.depthwise = true;
      block = 1 + static_cast<std::int32_t>(below(2));
      spec.out = std::int64_t{in.original()} * block;
      inputs = 1;
    } else if (form == 1 && in.original() % 2 == 0) {
      spec.groups = 2;
      block = static_cast<std::int32_t>(1 + below(4));
      spec.out = std::int64_t{block} * 2;
      inputs = in.original() / 2;
    }
    const int node = add(spec, {from});
    own_set(some(static_cast<std::int32_t>(spec.out), block));
    fill(node, spec.kernel, spec.bias, true, inputs);
    return node;
  }

  int after(int node) {
    if (chance(60)) {
      const int from = node;
      node = add(AffineSpec{}, {from});
      for (std::int32_t c = 0; c < set_of(node).size(); ++c) {
        model_.affines.back().a.push_back(chance(10) ? 0.0F : real(-2, 2));
        model_.affines.back().c.push_back(chance(30) ? 0.0F : real(-1, 1));
      }
    }
    if (chance(70)) node = add(ReluSpec{}, {node});
    if (chance(20)) node = add(ScaleSpec{real(0.1F, 2)}, {node});
    return node;
  }

  void join(int a, int b) {
    std::set<std::int32_t> live(set_of(a).live().begin(), set_of(a).live().end());
    const bool sum = set_of(a).original() == set_of(b).original() && chance(70);
    const std::int32_t offset = sum ? 0 : set_of(a).original();
    for (const std::int32_t channel : set_of(b).live()) live.insert(offset + channel);
    const std::int32_t original = sum ? offset + set_of(a).original() : offset + set_of(b).original();
    add(sum ? LayerOptions{AddSpec{}} : LayerOptions{ConcatSpec{}}, {a, b});
    own_set({original, {live.begin(), live.end()}});
  }

  void block() {
    const int start = last();
    const std::uint64_t kind = below(4);
    if (kind == 0 || set_of(start).original() > 24) {
      after(conv(start, 1));
    } else if (kind == 1 && h_ > 3 && w_ > 3) {
      after(conv(start, 2));
      h_ = (h_ - 1) / 2 + 1;
      w_ = (w_ - 1) / 2 + 1;
    } else if (kind == 2) {
      const int left = after(conv(start, 1));
      const int right = chance(50) ? start : after(conv(start, 1));
      join(left, right);
      if (chance(50)) after(last());
    } else if (h_ > 3 && w_ > 3) {
      PoolSpec pool;
      pool.kind = chance(50) ? PoolKind::max : PoolKind::average;
      add(pool, {start});
      h_ /= 2;
      w_ /= 2;
    }
  }

  void head() {
    int node = last();
    if (chance(50)) {
      PoolSpec pool;
      pool.global = true;
      pool.kind = chance(50) ? PoolKind::max : PoolKind::average;
      node = add(pool, {node});
      h_ = w_ = 1;
    }
    node = add(FlattenSpec{}, {node});
    const std::int64_t inputs = set_of(node).size();
    const LinearSpec linear{2 + static_cast<std::int64_t>(below(4)), chance(50)};
    const int logits = add(linear, {node});
    own_set(ChannelSet(static_cast<std::int32_t>(linear.out)));
    fill(logits, {h_, w_}, linear.bias, true, inputs);
    for (std::int64_t i = 0; chance(50) && i < linear.out;) {
      while (i < linear.out) {
        std::string text = "class ";
        model_.class_names.push_back(text.append(std::to_string(i++)));
      }
    }
  }

  RandomStream stream_;
  std::uint64_t next_ = 0;
  std::uint64_t scales_ = below(3);
  PackedModel model_;
  std::vector<SetId> sets_;
  std::int64_t h_ = 1, w_ = 1;
};

struct SameOptions {
  template <class A, class B>
  bool operator()(const A&, const B&) const {
    return std::is_same_v<A, B>;
  }
  bool operator()(const InputSpec& a, const InputSpec& b) const {
    return a.channels == b.channels && a.h == b.h && a.w == b.w;
  }
  bool operator()(const Conv2dSpec& a, const Conv2dSpec& b) const {
    return a.out == b.out && a.kernel == b.kernel && a.stride == b.stride && a.dilation == b.dilation &&
           a.padding == b.padding && a.pad == b.pad && a.groups == b.groups && a.depthwise == b.depthwise &&
           a.bias == b.bias;
  }
  bool operator()(const LinearSpec& a, const LinearSpec& b) const { return a.out == b.out && a.bias == b.bias; }
  bool operator()(const PoolSpec& a, const PoolSpec& b) const {
    return a.kind == b.kind && a.global == b.global && a.kernel == b.kernel && a.stride == b.stride &&
           a.padding == b.padding && a.pad == b.pad;
  }
  bool operator()(const ScaleSpec& a, const ScaleSpec& b) const { return a.factor == b.factor; }
};

std::string layer_difference(const PackedLayer& a, const PackedLayer& b) {
  if (!(a.shape == b.shape)) return "shape";
  if (!same_bits(a.weights, b.weights)) return "weights";
  if (!same_bits(a.bias, b.bias)) return "bias";
  if (a.channels.size() != b.channels.size()) return "channels";
  for (std::size_t o = 0; o < a.channels.size(); ++o) {
    const IntegerChannel &x = a.channels[o], &y = b.channels[o];
    if (x.integers != y.integers) return "integers of channel " + std::to_string(o);
    if (!same_bits({x.scale}, {y.scale})) return "scale of channel " + std::to_string(o);
  }
  return "";
}

}  // namespace

PackedModel random_model(std::uint64_t seed) { return Maker(seed).make(); }

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b, {}, std::bit_cast<std::uint32_t, float>, std::bit_cast<std::uint32_t, float>);
}

Tensor random_images(const Graph& graph, std::int64_t batch) {
  const Edge& edge = graph.nodes().front().edge;
  Tensor x = Tensor::host({batch, edge.h, edge.w, graph.sets()[edge.set].size()});
  const RandomStream stream(7, Stream::probe);
  std::uint64_t next = 0;
  for (float& value : x.values<float>()) value = 2.0F * uniform(stream.draws(next++).v[0]) - 1.0F;
  return x;
}

std::string difference(const PackedModel& a, const PackedModel& b) {
  if (a.name != b.name) return "name";
  if (a.integers != b.integers) return "form of the integers";
  if (a.class_names != b.class_names) return "class names";
  if (a.activations != b.activations) return "scales of activations";
  if (!same_bits(a.normalization.mean, b.normalization.mean)) return "mean";
  if (!same_bits(a.normalization.std, b.normalization.std)) return "std";
  if (a.sets != b.sets) return "sets";
  if (a.network.size() != b.network.size()) return "number of layers";
  for (std::size_t i = 0; i < a.network.size(); ++i) {
    const std::string where = " of " + a.network[i].name;
    if (a.network[i].name != b.network[i].name) return "name" + where;
    if (a.network[i].inputs != b.network[i].inputs) return "inputs" + where;
    if (!std::visit(SameOptions{}, a.network[i].options, b.network[i].options)) return "options" + where;
    const std::string layer = layer_difference(a.layers[i], b.layers[i]);
    if (!layer.empty()) return layer + where;
    if (!same_bits(a.affines[i].a, b.affines[i].a) || !same_bits(a.affines[i].c, b.affines[i].c)) {
      return "affine" + where;
    }
  }
  return "";
}

}  // namespace scnn::test
