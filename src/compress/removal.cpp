#include "scnn/compress/removal.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/difference.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/join.h"
#include "nn/layers/weighted.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"

namespace scnn {
namespace {

/// Pulls the biases of dead channels to 0: without a batch-norm they are the constant that is left.
bool pull_biases(Graph& graph, Layer& layer, std::int64_t steps) {
  Parameter* bias = layer.parameter(ParameterRole::bias);
  const Quantizer* quantizer = layer.weights()->quantizer.get();
  if (bias == nullptr || quantizer == nullptr) return false;
  Backend& backend = graph.backend();
  const std::vector<float> bits = quantizer->bits(backend);
  if (!bias->pull.defined() && std::ranges::none_of(bits, [](float b) { return b <= 0.0F; })) return false;
  std::vector<float> pull(bits.size(), 0.0F);
  if (bias->pull.defined()) pull = host_values(backend, bias->pull);
  const std::vector<float> values = host_values(backend, bias->value);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] > 0.0F) {
      pull[i] = 0.0F;
    } else if (pull[i] == 0.0F) {
      pull[i] = pull_strength(values[i], steps);
    }
  }
  const bool first = !bias->pull.defined();
  if (first) bias->pull = backend.allocate(bias->value.shape());
  set_values(backend, pull, bias->pull);
  return first;
}

/// Whether an input of a join holds original channel `channel` of the join's set.
bool fed(const Graph& graph, const SetTable& sets, const SetTable::Entry& entry, std::int32_t channel) {
  const Graph::Node& node = graph.nodes()[static_cast<std::size_t>(entry.node)];
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const std::optional<ChannelSet> placed = node.layer->placed(static_cast<int>(i), sets);
    if (placed && placed->contains(channel)) return true;
  }
  return false;
}

/// Whether anything that reads `channel` of set `id` could see other than 0.  `states` were taken with the graph's own
/// sets; `sets` is the table reached so far.
bool matters(const Graph& graph, const std::vector<ChannelStates>& states, const SetTable& sets, SetId id,
             std::int32_t channel) {
  const auto& nodes = graph.nodes();
  const auto position = static_cast<std::size_t>(graph.sets()[id].position(channel));
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (!nodes[n].live || nodes[n].edge.set != id) continue;
    if (n + 1 == nodes.size()) return true;
    for (const int consumer : nodes[n].consumers) {
      const Graph::Node& reader = nodes[static_cast<std::size_t>(consumer)];
      if (reader.layer->passes_channels() || states[n][position].zero()) continue;
      for (std::size_t i = 0; i < reader.inputs.size(); ++i) {
        if (reader.inputs[i] == static_cast<int>(n) && reader.layer->reads(static_cast<int>(i), channel, sets))
          return true;
      }
    }
  }
  return false;
}

[[noreturn]] void no_live_path() {
  throw Error(ErrorKind::training,
              "no live path from the input to the logits is left: every channel of some layer lost all its bits; lower "
              "compression.gamma or raise compression.gamma_ramp");
}

}  // namespace

bool freeze_constants(Graph& graph, std::int64_t steps) {
  bool began = false;
  for (Graph::Node& node : graph.nodes()) {
    if (node.live && node.layer->weights() != nullptr) began = pull_biases(graph, *node.layer, steps) || began;
  }
  // A batch-norm's new constant decides what the layers behind it see, so states are taken again after each change.
  std::vector<ChannelStates> states = graph.states();
  for (Graph::Node& node : graph.nodes()) {
    if (!node.live || node.inputs.empty()) continue;
    if (node.layer->freeze(states[static_cast<std::size_t>(node.inputs[0])], steps, graph.backend())) {
      states = graph.states();
      began = true;
    }
  }
  return began;
}

std::vector<ChannelSet> removable_left_out(Graph& graph) {
  const std::vector<ChannelStates> states = graph.states();
  SetTable sets = graph.sets();
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t s = 0; s < sets.entries.size(); ++s) {
      SetTable::Entry& entry = sets.entries[s];
      if (entry.kind == SetKind::input) continue;
      const auto stays = [&](std::int32_t channel) {
        return fed(graph, sets, entry, channel) || matters(graph, states, sets, static_cast<SetId>(s), channel);
      };
      std::vector<std::int32_t> left;
      const auto live = entry.channels.live();
      for (std::size_t first = 0; first < live.size();) {
        // Channels of one block (a group's outputs) go together or not at all.
        std::size_t end = first;
        while (end < live.size() && live[end] / entry.block == live[first] / entry.block) ++end;
        if (std::any_of(live.begin() + static_cast<std::ptrdiff_t>(first),
                        live.begin() + static_cast<std::ptrdiff_t>(end), stays)) {
          left.insert(left.end(), live.begin() + static_cast<std::ptrdiff_t>(first),
                      live.begin() + static_cast<std::ptrdiff_t>(end));
        }
        first = end;
      }
      if (left.size() == live.size()) continue;
      entry.channels = ChannelSet(entry.channels.original(), std::move(left));
      changed = true;
    }
  }
  std::vector<ChannelSet> channels;
  for (const SetTable::Entry& entry : sets.entries) channels.push_back(entry.channels);
  return channels;
}

namespace {

/// Marks set `id` and the sets that a join makes it of.
void mark(const Graph& graph, SetId id, std::vector<bool>& marked) {
  marked[static_cast<std::size_t>(id)] = true;
  const SetTable::Entry& entry = graph.sets().entries[static_cast<std::size_t>(id)];
  if (entry.kind != SetKind::sum && entry.kind != SetKind::concat) return;
  for (const int input : graph.nodes()[static_cast<std::size_t>(entry.node)].inputs) {
    mark(graph, graph.nodes()[static_cast<std::size_t>(input)].edge.set, marked);
  }
}

/// random_channel_subset() at a share of the channels; `order` says for each set which channels go last.
SetTable keep_part(const Graph& graph, double part, const std::vector<bool>& whole,
                   const std::vector<std::vector<std::uint64_t>>& order) {
  SetTable sets = graph.sets();
  for (std::size_t s = 0; s < sets.entries.size(); ++s) {
    SetTable::Entry& entry = sets.entries[s];
    if (entry.kind == SetKind::input || whole[s]) continue;
    const Graph::Node& node = graph.nodes()[static_cast<std::size_t>(entry.node)];
    const auto live = entry.channels.live();
    std::vector<std::int32_t> left;
    if (entry.kind != SetKind::own) {
      std::ranges::copy_if(live, std::back_inserter(left), [&](auto c) { return fed(graph, sets, entry, c); });
    } else if (const Parameter& weight = node.layer->weights()->parameter; weight.axes[3] == no_set) {
      // Outputs of a group go with its inputs.
      const ChannelSet& in = sets[graph.nodes()[static_cast<std::size_t>(node.inputs[0])].edge.set];
      const auto columns = static_cast<std::int32_t>(weight.value.shape()[3]);
      for (const std::int32_t channel : live) {
        const std::int32_t first = channel / entry.block * columns;
        bool reads = false;
        for (std::int32_t c = first; c < first + columns; ++c) reads = reads || in.contains(c);
        if (reads) left.push_back(channel);
      }
    } else {
      left.assign(live.begin(), live.end());
      std::ranges::sort(left, {}, [&](auto c) { return order[s][static_cast<std::size_t>(c)]; });
      left.resize(static_cast<std::size_t>(std::max(1.0, std::round(part * static_cast<double>(live.size())))));
      std::ranges::sort(left);
    }
    entry.channels = ChannelSet(entry.channels.original(), std::move(left));
  }
  return sets;
}

}  // namespace

std::vector<ChannelSet> random_channel_subset(const Graph& graph, double share, std::uint64_t seed) {
  const SetTable& all = graph.sets();
  std::vector<bool> whole(all.entries.size(), false);
  mark(graph, graph.nodes().back().edge.set, whole);
  std::vector<std::vector<std::uint64_t>> order;
  for (std::size_t s = 0; s < all.entries.size(); ++s) {
    const RandomStream stream(seed, Stream::thin, static_cast<std::uint32_t>(s));
    order.emplace_back();
    for (std::int32_t c = 0; c < all.entries[s].channels.original(); ++c) {
      const Draws draws = stream.draws(static_cast<std::uint64_t>(c));
      order.back().push_back(static_cast<std::uint64_t>(draws.v[0]) << 32 | draws.v[1]);
    }
  }
  const double most = share * static_cast<double>(graph.macs());
  double low = 0;
  double high = 1;
  for (int i = 0; i < 24; ++i) {
    const double part = 0.5 * (low + high);
    const bool fits = static_cast<double>(graph.macs(keep_part(graph, part, whole, order))) <= most;
    (fits ? low : high) = part;
  }
  std::vector<ChannelSet> channels;
  for (const SetTable::Entry& entry : keep_part(graph, low, whole, order).entries) channels.push_back(entry.channels);
  return channels;
}

RemovalResult remove_channels(Graph& graph, const Tensor& probe) {
  RemovalResult result;
  if (std::ranges::all_of(graph.states().back(), &ChannelState::constant)) no_live_path();
  const std::vector<ChannelSet> left = removable_left_out(graph);
  const bool same = std::ranges::equal(left, graph.sets().entries, {}, {}, &SetTable::Entry::channels);
  if (same) return result;

  std::vector<std::int32_t> before;
  for (const SetTable::Entry& entry : graph.sets().entries) before.push_back(entry.channels.size());
  Backend& backend = graph.backend();
  const std::vector<float> logits = host_values(backend, graph.forward(probe, Pass{}));
  graph.restrict_to(left);
  if (!graph.connected()) no_live_path();
  result.max_diff = relative_difference(logits, host_values(backend, graph.forward(probe, Pass{})));
  for (const int index : graph.weighted_nodes()) {
    const Graph::Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    const std::int32_t gone = before[static_cast<std::size_t>(node.edge.set)] - graph.sets()[node.edge.set].size();
    if (gone > 0) result.layers.push_back({node.spec.name, gone});
  }
  if (!(result.max_diff <= graph.backend().rounding())) {
    throw Error(ErrorKind::bug, "removing channels changed the network's function by " +
                                    std::to_string(result.max_diff) + " of its largest logit");
  }
  return result;
}

}  // namespace scnn
