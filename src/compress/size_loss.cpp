#include "scnn/compress/size_loss.h"

#include <algorithm>

#include "core/trace.h"

namespace scnn {
namespace {

Quantizer* quantizer_of(Graph& graph, int node) {
  Weights* weights = graph.nodes()[static_cast<std::size_t>(node)].layer->weights();
  return weights == nullptr ? nullptr : weights->quantizer.get();
}

}  // namespace

SizeLoss::SizeLoss(Graph& graph, SizeLossForm form, bool revive, std::int64_t original_weights)
    : graph_(graph), form_(form), revive_(revive), original_weights_(static_cast<double>(original_weights)) {
  rebuild();
}

void SizeLoss::rebuild() {
  using Feeders = std::vector<std::pair<std::int32_t, std::int32_t>>;
  struct SetFeeders {
    std::vector<Feeders> of;  // by live position
    std::vector<std::uint8_t> always;
  };
  const SetTable& sets = graph_.sets();
  std::vector<SetFeeders> feeders(sets.entries.size());
  entries_.clear();

  // Sets come in topological order with their layers, so a set's sources are complete before it is read.
  for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
    Graph::Node& node = graph_.nodes()[n];
    const auto set = static_cast<std::size_t>(node.edge.set);
    const SetTable::Entry& made = sets.entries[set];
    if (made.node != static_cast<int>(n)) continue;
    SetFeeders& out = feeders[set];
    out.of.resize(static_cast<std::size_t>(made.channels.size()));
    out.always.assign(out.of.size(), made.kind == SetKind::input ? 1 : 0);
    if (made.kind == SetKind::own) {
      const auto entry = static_cast<std::int32_t>(entries_.size());
      for (std::size_t i = 0; i < out.of.size(); ++i) out.of[i] = {{entry, static_cast<std::int32_t>(i)}};

      Entry layer;
      layer.node = static_cast<int>(n);
      const Shape& shape = node.layer->weights()->parameter.value.shape();
      layer.taps = shape[1] * shape[2];
      layer.outputs = made.channels.size();
      const SetId in = graph_.nodes()[static_cast<std::size_t>(node.inputs[0])].edge.set;
      layer.feeders = feeders[static_cast<std::size_t>(in)].of;
      layer.always = feeders[static_cast<std::size_t>(in)].always;
      layer.grouped = node.layer->weights()->parameter.axes[3] == no_set;
      for (std::int32_t o = 0; layer.grouped && o < layer.outputs; ++o) {
        const std::int32_t columns = static_cast<std::int32_t>(shape[3]);
        const std::int32_t first = made.channels.live()[static_cast<std::size_t>(o)] / made.block * columns;
        layer.reads.emplace_back();
        for (std::int32_t c = 0; c < columns; ++c) {
          const std::int32_t position = sets[in].position(first + c);
          if (position >= 0) layer.reads.back().push_back(position);
        }
      }
      const Quantizer* quantizer = quantizer_of(graph_, layer.node);
      layer.quantized = quantizer != nullptr;
      layer.can_lose_channels = quantizer != nullptr && (!quantizer->learns_bits() || quantizer->lets_channels_die());
      entries_.push_back(std::move(layer));
    } else {
      for (std::size_t side = 0; side < node.inputs.size(); ++side) {
        const auto from =
            static_cast<std::size_t>(graph_.nodes()[static_cast<std::size_t>(node.inputs[side])].edge.set);
        const std::optional<ChannelSet> placed = node.layer->placed(static_cast<int>(side), sets);
        if (!placed) continue;
        const std::vector<std::int32_t> map = channel_map(*placed, made.channels);
        for (std::size_t j = 0; j < map.size(); ++j) {
          if (map[j] < 0) continue;
          const auto source = static_cast<std::size_t>(map[j]);
          out.of[j].insert(out.of[j].end(), feeders[from].of[source].begin(), feeders[from].of[source].end());
          out.always[j] |= feeders[from].always[source];
        }
      }
    }
  }
}

void SizeLoss::read_bits() {
  for (Entry& entry : entries_) {
    if (entry.quantized) {
      entry.bits = quantizer_of(graph_, entry.node)->bits(graph_.backend());
    } else {
      entry.bits.assign(static_cast<std::size_t>(entry.outputs), 1.0F);
    }
  }
}

bool SizeLoss::live(const Entry& entry, std::int32_t channel) const {
  return entry.bits[static_cast<std::size_t>(channel)] > 0.0F;
}

bool SizeLoss::input_live(const Entry& entry, std::size_t column) const {
  return entry.always[column] != 0 || std::ranges::any_of(entry.feeders[column], [&](const auto& feeder) {
           return live(entries_[static_cast<std::size_t>(feeder.first)], feeder.second);
         });
}

std::vector<std::vector<double>> SizeLoss::credits() {
  read_bits();
  std::vector<std::vector<double>> credits;
  for (const Entry& entry : entries_) credits.emplace_back(entry.quantized ? entry.bits.size() : 0, 0.0);

  for (std::size_t e = 0; e < entries_.size(); ++e) {
    const Entry& entry = entries_[e];
    const std::size_t columns = entry.feeders.size();
    std::vector<double> live_outputs(columns, 0.0);  // outputs that would lose a weight with this column
    double live_inputs = 0;
    for (std::size_t c = 0; c < columns; ++c) live_inputs += input_live(entry, c) ? 1 : 0;
    const auto all_inputs = static_cast<double>(columns);
    double outputs = 0;
    for (std::int32_t o = 0; o < entry.outputs; ++o) {
      double own = form_ == SizeLossForm::own_inputs ? all_inputs : live_inputs;
      if (entry.grouped) {
        own = 0;
        for (const std::int32_t c : entry.reads[static_cast<std::size_t>(o)]) {
          const auto column = static_cast<std::size_t>(c);
          own += form_ == SizeLossForm::own_inputs || input_live(entry, column) ? 1 : 0;
          live_outputs[column] += live(entry, o) ? 1 : 0;
        }
      }
      outputs += live(entry, o) ? 1 : 0;
      if (entry.quantized) credits[e][static_cast<std::size_t>(o)] += own * static_cast<double>(entry.taps);
    }
    if (form_ == SizeLossForm::own_inputs) continue;
    if (!entry.grouped) std::ranges::fill(live_outputs, outputs);
    for (std::size_t c = 0; c < columns; ++c) {
      if (entry.always[c] != 0) continue;
      const auto feeds = [&](const auto& feeder) {
        return live(entries_[static_cast<std::size_t>(feeder.first)], feeder.second);
      };
      const auto alive = static_cast<double>(std::ranges::count_if(entry.feeders[c], feeds));
      for (const auto& feeder : entry.feeders[c]) {
        const auto& [source, channel] = feeder;
        const bool is_alive = feeds(feeder);
        // A dead channel's share is the one it would have once it came back: the right-hand derivative.
        if (!entries_[static_cast<std::size_t>(source)].can_lose_channels || (!is_alive && !revive_)) continue;
        credits[static_cast<std::size_t>(source)][static_cast<std::size_t>(channel)] +=
            live_outputs[c] * static_cast<double>(entry.taps) / (is_alive ? alive : alive + 1);
      }
    }
  }
  return credits;
}

double SizeLoss::value() {
  const TraceScope range("size_loss");
  const std::vector<std::vector<double>> all = credits();
  double q = 0;
  for (std::size_t e = 0; e < entries_.size(); ++e) {
    Entry& entry = entries_[e];
    if (!entry.quantized) continue;
    std::vector<float> slope(entry.bits.size(), 0.0F);
    for (std::size_t i = 0; i < slope.size(); ++i) {
      const double share = all[e][i] / original_weights_;
      q += entry.bits[i] * share;
      if (entry.bits[i] > 0.0F || revive_) slope[i] = static_cast<float>(share);
    }
    Quantizer& quantizer = *quantizer_of(graph_, entry.node);
    if (!quantizer.learns_bits() || slope == entry.slope) continue;
    quantizer.set_size_slope(graph_.backend(), slope);
    entry.slope = std::move(slope);
  }
  return q;
}

void SizeLoss::backward(double gamma) {
  if (gamma == 0.0) return;
  for (const Entry& entry : entries_) {
    if (entry.slope.empty()) continue;
    quantizer_of(graph_, entry.node)->add_size_gradient(graph_.backend(), static_cast<float>(gamma));
  }
}

}  // namespace scnn
