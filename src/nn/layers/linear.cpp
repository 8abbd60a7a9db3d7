#include "nn/layers/linear.h"

#include "nn/layers/common.h"

namespace scnn {
namespace {

/// [batch, 1, 1, out] as the matrix [batch, out].
Tensor as_rows(const Tensor& tensor) { return tensor.reshaped(Shape{tensor.shape()[0], tensor.shape()[3]}); }

}  // namespace

Edge LinearLayer::infer(std::span<const Edge> in, int node, SetTable& sets, Backend& backend) {
  const Edge& input = only_input(in);
  if (!input.flat && input.h * input.w > 1) {
    shape_error("reads a vector, but its input has " + describe(input, sets) +
                ": put a flatten or a global pool before it");
  }
  const SetId out = sets.add({ChannelSet(static_cast<std::int32_t>(spec_.out)), SetKind::own, node, 1});
  make_parameters(Shape{spec_.out, input.h, input.w, sets[input.set].original()}, out, input.set, spec_.bias, backend);
  return {1, 1, true, out};
}

void LinearLayer::plan(std::span<const Edge> /*in*/, const Edge& /*out*/, const SetTable& /*sets*/,
                       std::int64_t /*batch*/, Backend& /*backend*/) {}

void LinearLayer::forward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in, Tensor& out) {
  Tensor y = as_rows(out);
  backend.linear_forward(*in[0], weights_.view(), bias_ ? &bias_->value : nullptr, y);
}

void LinearLayer::backward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in,
                           const Tensor& /*out*/, const Tensor& dout, std::span<Tensor* const> din) {
  const Tensor dy = as_rows(dout);
  backend.linear_backward_weights(*in[0], dy, weights_.parameter.gradient, bias_ ? &bias_->gradient : nullptr);
  if (din[0] != nullptr) backend.linear_backward_data(dy, weights_.view(), *din[0]);
}

std::int64_t LinearLayer::macs(std::span<const Edge> /*in*/, const Edge& /*out*/, const SetTable& /*sets*/) const {
  return weights_.parameter.value.size();
}

}  // namespace scnn
