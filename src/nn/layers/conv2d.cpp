#include "nn/layers/conv2d.h"

#include <algorithm>

#include "nn/layers/common.h"

namespace scnn {

Edge Conv2dLayer::infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) {
  const Edge& input = only_input(in);
  require_image(input);
  const std::int64_t inputs = sets[input.set].original();
  groups_ = spec_.depthwise ? inputs : spec_.groups;
  if (inputs % groups_ != 0 || spec_.out % groups_ != 0) {
    shape_error("groups of " + std::to_string(groups_) + " must divide both its " + std::to_string(inputs) +
                " inputs and its " + std::to_string(spec_.out) + " outputs");
  }
  inputs_a_group_ = inputs / groups_;
  outputs_a_group_ = spec_.out / groups_;
  const WindowFit fit = fit_window(input, spec_.kernel, spec_.stride, spec_.dilation, spec_.padding, spec_.pad);
  shape_.in_h = input.h, shape_.in_w = input.w;
  shape_.out_h = fit.out_h, shape_.out_w = fit.out_w;
  shape_.window = fit.window;
  in_set_ = input.set;
  const auto block = static_cast<std::int32_t>(groups_ > 1 ? outputs_a_group_ : 1);
  out_set_ = sets.add({ChannelSet(static_cast<std::int32_t>(spec_.out)), SetKind::own, node, block});
  make_parameters(Shape{spec_.out, spec_.kernel.h, spec_.kernel.w, inputs_a_group_}, out_set_,
                  groups_ == 1 ? in_set_ : no_set, spec_.bias, backend);
  return {fit.out_h, fit.out_w, false, out_set_};
}

ChannelSet Conv2dLayer::needed_inputs(const SetTable& sets) const {
  if (groups_ == 1) return sets[in_set_];
  std::vector<std::int32_t> needed;
  std::int64_t last_group = -1;
  for (const std::int32_t output : sets[out_set_].live()) {
    const std::int64_t group = output / outputs_a_group_;
    if (group == last_group) continue;
    last_group = group;
    for (std::int64_t i = 0; i < inputs_a_group_; ++i) {
      needed.push_back(static_cast<std::int32_t>(group * inputs_a_group_ + i));
    }
  }
  return {sets[in_set_].original(), std::move(needed)};
}

void Conv2dLayer::plan(std::span<const Edge> /*in*/, const Edge& /*out*/, const SetTable& sets, std::int64_t batch,
                       Backend& backend) {
  const ChannelSet& present = sets[in_set_];
  const ChannelSet needed = needed_inputs(sets);
  shape_.batch = batch;
  shape_.in_c = needed.size();
  shape_.out_c = sets[out_set_].size();
  shape_.groups = groups_ == 1 ? 1 : std::max<std::int64_t>(1, shape_.out_c / outputs_a_group_);
  to_needed_ = to_input_ = gathered_ = gathered_gradient_ = Tensor();
  if (needed == present) return;
  to_needed_ = device_indices(backend, channel_map(present, needed));
  to_input_ = device_indices(backend, channel_map(needed, present));
  const Shape shape{batch, shape_.in_h, shape_.in_w, shape_.in_c};
  gathered_ = backend.allocate(shape);
  gathered_gradient_ = backend.allocate(shape);
}

Conv2d Conv2dLayer::geometry(std::int64_t batch) const {
  Conv2d shape = shape_;
  shape.batch = batch;
  return shape;
}

void Conv2dLayer::forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) {
  const std::int64_t batch = in[0]->shape()[0];
  const Tensor* x = in[0];
  Tensor gathered;
  if (to_needed_.defined()) {
    gathered = at_batch(gathered_, batch);
    backend.gather(*in[0], -1, to_needed_, false, gathered);
    x = &gathered;
  }
  const Tensor* bias = bias_ ? &bias_->value : nullptr;
  if (norm_ != nullptr && pass.mode == Mode::train) {
    backend.conv2d_forward_statistics(geometry(batch), *x, weights_.view(), bias, out, norm_->statistics(pass));
  } else {
    backend.conv2d_forward(geometry(batch), *x, weights_.view(), bias, out);
  }
}

void Conv2dLayer::backward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in,
                           const Tensor& /*out*/, const Tensor& dout, std::span<Tensor* const> din) {
  const Conv2d shape = geometry(in[0]->shape()[0]);
  const Tensor x = to_needed_.defined() ? at_batch(gathered_, shape.batch) : *in[0];
  backend.conv2d_backward_weights(shape, x, dout, weights_.parameter.gradient, bias_ ? &bias_->gradient : nullptr);
  if (din[0] == nullptr) return;
  if (!to_needed_.defined()) {
    backend.conv2d_backward_data(shape, dout, weights_.view(), *din[0]);
    return;
  }
  Tensor gradient = at_batch(gathered_gradient_, shape.batch);
  backend.conv2d_backward_data(shape, dout, weights_.view(), gradient);
  backend.gather(gradient, -1, to_input_, false, *din[0]);
}

bool Conv2dLayer::reads(int /*input*/, std::int32_t channel, const SetTable& sets) const {
  const ChannelSet& out = sets[out_set_];
  if (groups_ == 1) return !out.empty();
  return out.contains(static_cast<std::int32_t>(channel / inputs_a_group_ * outputs_a_group_));
}

std::int32_t Conv2dLayer::input_of(std::int32_t output, std::int32_t column, const SetTable& sets) const {
  if (groups_ == 1) return column;
  const std::int64_t group = sets[out_set_].live()[static_cast<std::size_t>(output)] / outputs_a_group_;
  return sets[in_set_].position(static_cast<std::int32_t>(group * inputs_a_group_ + column));
}

std::int64_t Conv2dLayer::macs(std::span<const Edge> /*in*/, const Edge& /*out*/, const SetTable& sets) const {
  const std::int64_t columns = groups_ == 1 ? sets[in_set_].size() : inputs_a_group_;
  return shape_.out_h * shape_.out_w * spec_.kernel.h * spec_.kernel.w * columns * sets[out_set_].size();
}

}  // namespace scnn
