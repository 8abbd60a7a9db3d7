// Channels leave a graph: the only code that changes the shape of a network.

#include <algorithm>

#include "nn/layers/common.h"
#include "nn/layers/join.h"
#include "scnn/nn/graph.h"

namespace scnn {

void Graph::restrict_to(const std::vector<ChannelSet>& channels) {
  require(channels.size() == sets_.entries.size(), ErrorKind::bug,
          "Graph::restrict_to: one set for each of the graph's");
  std::vector<ChannelSet> before;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    SetTable::Entry& entry = sets_.entries[i];
    const bool part =
        std::ranges::all_of(channels[i].live(), [&](auto channel) { return entry.channels.contains(channel); });
    require(part && channels[i].original() == entry.channels.original(), ErrorKind::bug,
            "Graph::restrict_to: channels do not come back");
    before.push_back(entry.channels);
    entry.channels = channels[i];
  }
  prune();
  for (Parameter* parameter : parameters()) gather_parameter(*parameter, before);
  planned_batch_ = 0;
  ++plans_;  // the present plan's memory is not to be used any more
}

void Graph::prune() {
  // What an unreachable layer makes nobody reads; emptying its sets may make others unreachable.
  for (bool changed = true; changed;) {
    changed = false;
    for (Node& node : nodes_) {
      for (std::size_t i = node.inputs.size(); i-- > 0;) {
        const bool empty = sets_[nodes_[static_cast<std::size_t>(node.inputs[i])].edge.set].empty();
        if (!empty || !node.layer->drop_input(static_cast<int>(i))) continue;
        node.inputs.erase(node.inputs.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    std::vector<bool> reached(nodes_.size(), false);
    reached.back() = true;
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      if (!reached[i]) continue;
      for (const int input : nodes_[i].inputs) {
        const auto source = static_cast<std::size_t>(input);
        if (!sets_[nodes_[source].edge.set].empty()) reached[source] = true;
      }
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i].live = reached[i];
      SetTable::Entry& entry = sets_.entries[static_cast<std::size_t>(nodes_[i].edge.set)];
      const bool makes_set = entry.node == static_cast<int>(i) && entry.kind != SetKind::input;
      if (reached[i] || !makes_set || entry.channels.empty()) continue;
      entry.channels = ChannelSet(entry.channels.original(), {});
      changed = true;
    }
  }
  for (Node& node : nodes_) node.consumers.clear();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].live) continue;
    for (const int input : nodes_[i].inputs)
      nodes_[static_cast<std::size_t>(input)].consumers.push_back(static_cast<int>(i));
  }
}

bool Graph::connected() const { return nodes_.front().live; }

void Graph::gather_parameter(Parameter& parameter, const std::vector<ChannelSet>& before) {
  const auto gather = [&](Tensor& tensor) {
    if (!tensor.defined()) return;
    for (int axis = 0; axis < tensor.shape().rank(); ++axis) {
      const SetId id = parameter.axes[static_cast<std::size_t>(axis)];
      if (id == no_set || sets_[id] == before[static_cast<std::size_t>(id)]) continue;
      const std::vector<std::int32_t> map = channel_map(before[static_cast<std::size_t>(id)], sets_[id]);
      Shape shape = tensor.shape();
      shape.set(axis, sets_[id].size());
      Tensor smaller = backend_.allocate(shape);
      backend_.gather(tensor, axis, device_indices(backend_, map), false, smaller);
      tensor = smaller;
    }
  };
  gather(parameter.value);
  gather(parameter.pull);
  for (Tensor& slot : parameter.slots) gather(slot);
  if (parameter.gradient.defined() && !(parameter.gradient.shape() == parameter.value.shape())) {
    parameter.gradient = backend_.allocate(parameter.value.shape());
  }
}

}  // namespace scnn
