#include <algorithm>

#include "packed/format.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

using deploy::has_columns;
using deploy::makes_set;
using Needs = std::vector<std::vector<bool>>;  ///< by set and original channel

/// Which channels reach the logits, found from the logits backwards.
class Liveness {
 public:
  Liveness(const PackedModel& model, const std::vector<ChannelStates>& states)
      : model_(model), states_(states), sets_(node_sets(model.network)) {
    for (const ChannelSet& set : model.sets) needs_.emplace_back(static_cast<std::size_t>(set.original()), false);
    const auto input = static_cast<std::size_t>(sets_.front());
    std::fill(needs_[input].begin(), needs_[input].end(), true);  // images come whole
    need_all(sets_.back());
    // A set's readers come behind all nodes that carry it, so its needs are complete when its maker's turn comes.
    for (std::size_t i = model.network.size(); i-- > 0;) {
      if (makes_set(model.network[i].options)) visit(static_cast<int>(i));
    }
  }

  std::vector<ChannelSet> live_sets() const {
    std::vector<ChannelSet> live;
    for (std::size_t s = 0; s < needs_.size(); ++s) {
      std::vector<std::int32_t> channels;
      for (const std::int32_t channel : model_.sets[s].live()) {
        if (needs_[s][static_cast<std::size_t>(channel)]) channels.push_back(channel);
      }
      live.emplace_back(model_.sets[s].original(), std::move(channels));
    }
    return live;
  }

 private:
  std::size_t set_of(int node) const { return static_cast<std::size_t>(sets_[static_cast<std::size_t>(node)]); }

  void need_all(SetId set) {
    const auto id = static_cast<std::size_t>(set);
    for (const std::int32_t channel : model_.sets[id].live()) needs_[id][static_cast<std::size_t>(channel)] = true;
  }

  /// Notes that the output of `node` is read at original channel `channel`; a channel that is gone or always 0 there
  /// need not exist.
  void read(int node, std::int32_t channel) {
    const std::int32_t position = model_.sets[set_of(node)].position(channel);
    const ChannelStates& states = states_[static_cast<std::size_t>(node)];
    // A node that died in the graph has no states; nothing of it arrives.
    if (position < 0 || states.empty() || states[static_cast<std::size_t>(position)].zero()) return;
    needs_[set_of(node)][static_cast<std::size_t>(channel)] = true;
  }

  void visit(int node) {
    const LayerSpec& spec = model_.network[static_cast<std::size_t>(node)];
    const std::size_t out = set_of(node);
    if (const auto* conv = std::get_if<Conv2dSpec>(&spec.options); conv != nullptr && !has_columns(spec.options)) {
      const std::int32_t inputs = model_.sets[set_of(spec.inputs.front())].original();
      const auto groups = static_cast<std::int32_t>(conv->depthwise ? inputs : conv->groups);
      return grouped(node, groups, inputs / groups, model_.sets[out].original() / groups);
    }
    if (has_columns(spec.options)) return weighted(node, 0, 0);
    std::int32_t offset = 0;
    for (const int from : spec.inputs) {
      const ChannelSet& in = model_.sets[set_of(from)];
      for (const std::int32_t channel : in.live()) {
        if (needs_[out][static_cast<std::size_t>(offset) + static_cast<std::size_t>(channel)]) read(from, channel);
      }
      if (std::holds_alternative<ConcatSpec>(spec.options)) offset += in.original();
    }
  }

  /// A group leaves whole: its outputs stay together.
  void grouped(int node, std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
    std::vector<bool>& needs = needs_[set_of(node)];
    for (std::int32_t group = 0; group < groups; ++group) {
      const auto first = needs.begin() + group * outputs;
      if (std::find(first, first + outputs, true) != first + outputs) std::fill(first, first + outputs, true);
    }
    weighted(node, inputs, outputs);
  }

  /// Reads the inputs that some needed output has a weight for.  Ungrouped where `outputs` is 0.
  void weighted(int node, std::int32_t inputs, std::int32_t outputs) {
    const PackedLayer& layer = model_.layers[static_cast<std::size_t>(node)];
    const int from = model_.network[static_cast<std::size_t>(node)].inputs.front();
    const ChannelSet& in = model_.sets[set_of(from)];
    const ChannelSet& out = model_.sets[set_of(node)];
    const auto columns = static_cast<std::size_t>(layer.shape[3]);
    const std::size_t row = columns * static_cast<std::size_t>(layer.shape[1] * layer.shape[2]);
    for (std::int32_t o = 0; o < out.size(); ++o) {
      const std::int32_t channel = out.live()[static_cast<std::size_t>(o)];
      if (!needs_[set_of(node)][static_cast<std::size_t>(channel)]) continue;
      std::vector<bool> used(columns, false);
      for (std::size_t k = 0; k < row; ++k) {
        const bool zero = layer.quantized() ? layer.channels[static_cast<std::size_t>(o)].integers[k] == 0
                                            : layer.weights[static_cast<std::size_t>(o) * row + k] == 0.0F;
        if (!zero) used[k % columns] = true;
      }
      for (std::size_t i = 0; i < columns; ++i) {
        if (!used[i]) continue;
        read(from, outputs == 0 ? in.live()[i] : channel / outputs * inputs + static_cast<std::int32_t>(i));
      }
    }
  }

  const PackedModel& model_;
  const std::vector<ChannelStates>& states_;
  std::vector<SetId> sets_;
  Needs needs_;
};

template <class T>
std::vector<T> picked(const std::vector<T>& from, const std::vector<std::int32_t>& map) {
  std::vector<T> to;
  for (const std::int32_t i : map) to.push_back(from[static_cast<std::size_t>(i)]);
  return to;
}

/// Keeps the channels of `to`, parts of the model's sets.
void restrict(PackedModel& model, const std::vector<ChannelSet>& to) {
  const std::vector<SetId> sets = node_sets(model.network);
  for (std::size_t i = 0; i < model.network.size(); ++i) {
    const LayerSpec& spec = model.network[i];
    const auto out = static_cast<std::size_t>(sets[i]);
    const std::vector<std::int32_t> outputs = channel_map(model.sets[out], to[out]);
    PackedAffine& affine = model.affines[i];
    if (std::holds_alternative<AffineSpec>(spec.options)) {
      affine = {picked(affine.a, outputs), picked(affine.c, outputs)};
    }
    PackedLayer& layer = model.layers[i];
    if (layer.shape.rank() == 0) continue;
    const auto in = static_cast<std::size_t>(sets[static_cast<std::size_t>(spec.inputs.front())]);
    const auto columns = static_cast<std::size_t>(layer.shape[3]);
    const auto taps = static_cast<std::size_t>(layer.shape[1] * layer.shape[2]);
    // Places of the kept weights within one channel's row.
    std::vector<std::int32_t> kept(columns);
    for (std::size_t c = 0; c < columns; ++c) kept[c] = static_cast<std::int32_t>(c);
    if (has_columns(spec.options)) kept = channel_map(model.sets[in], to[in]);
    std::vector<std::int32_t> row;
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (const std::int32_t c : kept) row.push_back(static_cast<std::int32_t>(tap * columns) + c);
    }
    PackedLayer smaller;
    smaller.shape = {to[out].size(), layer.shape[1], layer.shape[2], static_cast<std::int64_t>(kept.size())};
    if (!layer.bias.empty()) smaller.bias = picked(layer.bias, outputs);
    for (const std::int32_t o : outputs) {
      if (layer.quantized()) {
        const IntegerChannel& channel = layer.channels[static_cast<std::size_t>(o)];
        smaller.channels.push_back({channel.bits, channel.scale, picked(channel.integers, row)});
        continue;
      }
      for (const std::int32_t k : row) {
        smaller.weights.push_back(
            layer.weights[static_cast<std::size_t>(o) * taps * columns + static_cast<std::size_t>(k)]);
      }
    }
    layer = std::move(smaller);
  }
  model.sets = to;
}

/// Where nothing is scaled.
void forget_unused_scales(PackedModel& model) {
  for (PackedLayer& layer : model.layers) {
    for (IntegerChannel& channel : layer.channels) {
      if (std::ranges::all_of(channel.integers, [](std::int32_t value) { return value == 0; })) channel.scale = 0;
    }
  }
}

/// Drops layers that nothing of the logits depends on.  A layer without channels stays where another needs its shape
/// or the place of its channels in a concatenation.
void drop_nodes(PackedModel& model) {
  const std::vector<SetId> sets = node_sets(model.network);
  const auto set_of = [&](int node) -> const ChannelSet& {
    return model.sets[static_cast<std::size_t>(sets[static_cast<std::size_t>(node)])];
  };
  const int nodes = static_cast<int>(model.network.size());
  std::vector<int> stands_for(static_cast<std::size_t>(nodes));  // a sum with one live side is that side
  for (int i = 0; i < nodes; ++i) {
    stands_for[static_cast<std::size_t>(i)] = i;
    LayerSpec& spec = model.network[static_cast<std::size_t>(i)];
    for (int& input : spec.inputs) input = stands_for[static_cast<std::size_t>(input)];
    if (!std::holds_alternative<AddSpec>(spec.options)) continue;
    std::ranges::stable_sort(spec.inputs, {}, [&](int input) { return set_of(input).empty(); });
    const auto dead = std::ranges::find_if(spec.inputs, [&](int input) { return set_of(input).empty(); });
    const auto live = dead - spec.inputs.begin();
    if (live == 1 && set_of(spec.inputs.front()) == set_of(i)) {
      stands_for[static_cast<std::size_t>(i)] = spec.inputs.front();
    } else {
      spec.inputs.erase(spec.inputs.begin() + std::max<std::ptrdiff_t>(live, 2), spec.inputs.end());
    }
  }
  const int last = stands_for.back();
  std::vector<bool> keep(static_cast<std::size_t>(nodes), false);
  keep.front() = keep[static_cast<std::size_t>(last)] = true;
  for (int i = last; i >= 0; --i) {
    if (!keep[static_cast<std::size_t>(i)]) continue;
    for (const int input : model.network[static_cast<std::size_t>(i)].inputs)
      keep[static_cast<std::size_t>(input)] = true;
  }
  PackedModel smaller;
  std::vector<int> place(static_cast<std::size_t>(nodes), -1);
  for (int i = 0; i <= last; ++i) {
    const auto from = static_cast<std::size_t>(i);
    if (!keep[from]) continue;
    place[from] = static_cast<int>(smaller.network.size());
    LayerSpec spec = model.network[from];
    for (int& input : spec.inputs) input = place[static_cast<std::size_t>(input)];
    if (makes_set(spec.options)) smaller.sets.push_back(set_of(i));
    smaller.network.push_back(std::move(spec));
    smaller.layers.push_back(std::move(model.layers[from]));
    smaller.affines.push_back(std::move(model.affines[from]));
  }
  model.network = std::move(smaller.network);
  model.sets = std::move(smaller.sets);
  model.layers = std::move(smaller.layers);
  model.affines = std::move(smaller.affines);
}

}  // namespace

PackedModel trim(PackedModel model, Backend& backend) {
  model.activations.clear();  // of layers that may go
  for (;;) {
    const std::unique_ptr<Graph> graph = unpack(model, backend);
    if (!graph->connected()) {
      throw Error(ErrorKind::training,
                  "no live path is left from the images to the logits; lower compression.gamma, or raise "
                  "compression.target_bytes where it is set");
    }
    std::vector<ChannelSet> live = Liveness(model, graph->states()).live_sets();
    if (live == model.sets) break;
    restrict(model, live);
  }
  drop_nodes(model);
  forget_unused_scales(model);
  return model;
}

}  // namespace scnn
