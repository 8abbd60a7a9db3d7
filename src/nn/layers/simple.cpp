#include "nn/layers/simple.h"

#include <algorithm>

#include "nn/layers/common.h"

namespace scnn {

Edge InputLayer::infer(std::span<const Edge> in, int node, SetTable& sets, Backend& /*backend*/) {
  if (!in.empty()) shape_error("the input layer reads no other");
  const ChannelSet channels(static_cast<std::int32_t>(spec_.channels));
  return {spec_.h, spec_.w, false, sets.add({channels, SetKind::input, node, 1})};
}

Edge ElementwiseLayer::infer(std::span<const Edge> in, int /*node*/, SetTable& /*sets*/, Backend& /*backend*/) {
  return only_input(in);
}

void ReluLayer::forward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in, Tensor& out) {
  backend.relu_forward(*in[0], out);
}

void ReluLayer::backward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> /*in*/,
                         const Tensor& out, const Tensor& dout, std::span<Tensor* const> din) {
  if (din[0] != nullptr) backend.relu_backward(out, dout, *din[0]);
}

ChannelStates ReluLayer::states(std::span<const ChannelStates* const> in, const SetTable& /*sets*/,
                                Backend& /*backend*/) {
  ChannelStates out = *in[0];
  for (ChannelState& state : out) state.value = std::max(state.value, 0.0F);
  return out;
}

Edge FlattenLayer::infer(std::span<const Edge> in, int /*node*/, SetTable& /*sets*/, Backend& /*backend*/) {
  Edge edge = only_input(in);
  edge.flat = true;
  return edge;
}

Edge DropoutLayer::infer(std::span<const Edge> in, int node, SetTable& /*sets*/, Backend& /*backend*/) {
  node_ = node;
  return only_input(in);
}

RandomStream DropoutLayer::stream(const Pass& pass) const {
  const auto layer = static_cast<std::uint32_t>(node_);
  if (pass.step_at != nullptr) return {pass.seed, pass.step_at->data<std::int32_t>(), Stream::dropout, layer};
  return RandomStream::of_step(pass.seed, pass.step, Stream::dropout, layer);
}

void DropoutLayer::forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) {
  if (pass.mode == Mode::train) return backend.dropout(*in[0], spec_.rate, stream(pass), out);
  backend.scale(*in[0], 1.0F, out);
}

void DropoutLayer::backward(Backend& backend, const Pass& pass, std::span<const Tensor* const> /*in*/,
                            const Tensor& /*out*/, const Tensor& dout, std::span<Tensor* const> din) {
  if (din[0] != nullptr) backend.dropout(dout, spec_.rate, stream(pass), *din[0]);
}

void ScaleLayer::forward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in, Tensor& out) {
  backend.scale(*in[0], spec_.factor, out);
}

void ScaleLayer::backward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> /*in*/,
                          const Tensor& /*out*/, const Tensor& dout, std::span<Tensor* const> din) {
  if (din[0] != nullptr) backend.scale(dout, spec_.factor, *din[0]);
}

ChannelStates ScaleLayer::states(std::span<const ChannelStates* const> in, const SetTable& /*sets*/,
                                 Backend& /*backend*/) {
  ChannelStates out = *in[0];
  for (ChannelState& state : out) state.value *= spec_.factor;
  return out;
}

Edge AffineLayer::infer(std::span<const Edge> in, int /*node*/, SetTable& sets, Backend& backend) {
  const Edge& input = only_input(in);
  require_image(input);
  const Shape shape{sets[input.set].original()};
  a_.trainable = c_.trainable = false;
  make_parameter(a_, name(), ParameterRole::factor, shape, 1.0F, backend);
  make_parameter(c_, name(), ParameterRole::offset, shape, 0.0F, backend);
  a_.axes[0] = c_.axes[0] = input.set;
  return input;
}

void AffineLayer::forward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in, Tensor& out) {
  backend.batch_norm_forward(*in[0], {&a_.value, &c_.value}, out);
}

void AffineLayer::backward(Backend& /*backend*/, const Pass& /*pass*/, std::span<const Tensor* const> /*in*/,
                           const Tensor& /*out*/, const Tensor& /*dout*/, std::span<Tensor* const> /*din*/) {
  throw Error(ErrorKind::usage, "layer '" + name() + "': a packed model cannot be trained; start from a checkpoint");
}

std::optional<AffineTerms> AffineLayer::affine_terms(Backend& backend) const {
  return AffineTerms{host_values(backend, a_.value), host_values(backend, c_.value)};
}

ChannelStates AffineLayer::states(std::span<const ChannelStates* const> in, const SetTable& /*sets*/,
                                  Backend& backend) {
  const std::vector<float> a = host_values(backend, a_.value);
  const std::vector<float> c = host_values(backend, c_.value);
  ChannelStates out = *in[0];
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (a[i] == 0.0F) out[i].constant = true;
    if (out[i].constant) out[i].value = a[i] * out[i].value + c[i];
  }
  return out;
}

}  // namespace scnn
