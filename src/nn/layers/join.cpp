#include "nn/layers/join.h"

#include "nn/layers/common.h"

namespace scnn {

std::optional<ChannelSet> JoinLayer::placed(int input, const SetTable& sets) const {
  const Side& side = sides_.at(static_cast<std::size_t>(input));
  std::vector<std::int32_t> live(sets[side.set].live().begin(), sets[side.set].live().end());
  for (std::int32_t& channel : live) channel += side.offset;
  return ChannelSet(sets[out_set_].original(), std::move(live));
}

bool JoinLayer::drop_input(int input) {
  sides_.erase(sides_.begin() + input);
  return true;
}

void JoinLayer::plan(std::span<const Edge> /*in*/, const Edge& /*out*/, const SetTable& sets, std::int64_t /*batch*/,
                     Backend& backend) {
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    Side& side = sides_[i];
    const ChannelSet here = placed(static_cast<int>(i), sets).value();
    side.whole = here == sets[out_set_];
    side.forward_map = device_indices(backend, channel_map(here, sets[out_set_]));
    side.backward_map = device_indices(backend, channel_map(sets[out_set_], here));
  }
}

void JoinLayer::forward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in, Tensor& out) {
  if (sides_.empty()) backend.fill(out, 0.0F);
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    if (!sides_[i].whole) {
      backend.gather(*in[i], -1, sides_[i].forward_map, i > 0, out);
    } else if (i == 0) {
      backend.scale(*in[i], 1.0F, out);
    } else {
      backend.accumulate(*in[i], 1.0F, out);
    }
  }
}

void JoinLayer::backward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> /*in*/,
                         const Tensor& /*out*/, const Tensor& dout, std::span<Tensor* const> din) {
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    if (din[i] == nullptr) continue;
    if (sides_[i].whole) {
      backend.scale(dout, 1.0F, *din[i]);
    } else {
      backend.gather(dout, -1, sides_[i].backward_map, false, *din[i]);
    }
  }
}

ChannelStates JoinLayer::states(std::span<const ChannelStates* const> in, const SetTable& sets, Backend& /*backend*/) {
  ChannelStates out(static_cast<std::size_t>(sets[out_set_].size()), ChannelState{true, 0.0F});
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    const std::vector<std::int32_t> map = channel_map(placed(static_cast<int>(i), sets).value(), sets[out_set_]);
    for (std::size_t j = 0; j < map.size(); ++j) {
      if (map[j] < 0) continue;
      const ChannelState& state = (*in[i])[static_cast<std::size_t>(map[j])];
      out[j].constant = out[j].constant && state.constant;
      out[j].value = out[j].constant ? out[j].value + state.value : 0.0F;
    }
  }
  return out;
}

namespace {

/// Error(experiment) unless all inputs have the same extents.
void require_same_extents(std::span<const Edge> in, const SetTable& sets) {
  if (in.size() < 2) shape_error("takes at least two inputs: input: [a, b]");
  for (const Edge& edge : in.subspan(1)) {
    if (edge.h == in[0].h && edge.w == in[0].w && edge.flat == in[0].flat) continue;
    shape_error("its inputs differ in extent: " + describe(in[0], sets) + " and " + describe(edge, sets));
  }
}

}  // namespace

Edge AddLayer::infer(std::span<const Edge> in, int node, SetTable& sets, Backend& /*backend*/) {
  require_same_extents(in, sets);
  const std::int32_t channels = sets[in[0].set].original();
  for (const Edge& edge : in) {
    if (sets[edge.set].original() != channels) {
      shape_error("its inputs differ in channels: " + describe(in[0], sets) + " and " + describe(edge, sets) +
                  ": give the residual a projection");
    }
    sides_.push_back({edge.set, 0, false, {}, {}});
  }
  Edge out = in[0];
  out.set = out_set_ = sets.add({ChannelSet(channels), SetKind::sum, node, 1});
  return out;
}

Edge ConcatLayer::infer(std::span<const Edge> in, int node, SetTable& sets, Backend& /*backend*/) {
  require_same_extents(in, sets);
  std::int32_t channels = 0;
  for (const Edge& edge : in) {
    if (edge.flat && edge.h * edge.w > 1) shape_error("concatenates images or vectors: put flatten behind it");
    sides_.push_back({edge.set, channels, false, {}, {}});
    channels += sets[edge.set].original();
    if (channels > most_channels) shape_error("makes more than " + std::to_string(most_channels) + " channels");
  }
  Edge out = in[0];
  out.set = out_set_ = sets.add({ChannelSet(channels), SetKind::concat, node, 1});
  return out;
}

}  // namespace scnn
