#include "nn/layers/batch_norm.h"

#include <cmath>

#include "nn/layers/common.h"

namespace scnn {
namespace {

/// Where a data gradient goes.  Without a reader its memory is still needed: the statistics tie all elements together.
Tensor room_for(Backend& backend, const Tensor* gradient, const Shape& shape) {
  return gradient != nullptr ? *gradient : backend.allocate(shape);
}

}  // namespace

Edge BatchNormLayer::infer(std::span<const Edge> in, int /*node*/, SetTable& sets, Backend& backend) {
  const Edge& input = only_input(in);
  require_image(input);
  const Shape shape{sets[input.set].original()};
  running_mean_.trainable = running_var_.trainable = frozen_.trainable = false;
  make_parameter(scale_, name(), ParameterRole::scale, shape, 1.0F, backend);
  make_parameter(shift_, name(), ParameterRole::shift, shape, 0.0F, backend);
  make_parameter(running_mean_, name(), ParameterRole::running_mean, shape, 0.0F, backend);
  make_parameter(running_var_, name(), ParameterRole::running_variance, shape, 1.0F, backend);
  make_parameter(frozen_, name(), ParameterRole::frozen_channels, shape, 0.0F, backend);
  for (Parameter* parameter : parameters()) parameter->axes[0] = input.set;
  return input;
}

std::vector<Parameter*> BatchNormLayer::parameters() {
  return {&scale_, &shift_, &running_mean_, &running_var_, &frozen_};
}

void BatchNormLayer::plan(std::span<const Edge> /*in*/, const Edge& out, const SetTable& sets, std::int64_t /*batch*/,
                          Backend& backend) {
  const Shape shape{sets[out.set].size()};
  for (Tensor* tensor : {&mean_, &inv_std_, &a_, &c_}) *tensor = backend.allocate(shape);
}

std::optional<AffineTerms> BatchNormLayer::affine_terms(Backend& backend) const {
  const std::vector<float> scale = host_values(backend, scale_.value);
  const std::vector<float> shift = host_values(backend, shift_.value);
  const std::vector<float> mean = host_values(backend, running_mean_.value);
  const std::vector<float> var = host_values(backend, running_var_.value);
  const std::vector<float> frozen = host_values(backend, frozen_.value);
  AffineTerms terms;
  for (std::size_t i = 0; i < scale.size(); ++i) {
    const double a = frozen[i] != 0.0F ? 0.0 : scale[i] / std::sqrt(static_cast<double>(var[i]) + spec_.eps);
    terms.a.push_back(static_cast<float>(a));
    terms.c.push_back(static_cast<float>(frozen[i] != 0.0F ? shift[i] : shift[i] - a * mean[i]));
  }
  return terms;
}

BatchStatistics BatchNormLayer::statistics(const Pass& pass) {
  const float momentum = pass.statistics_momentum >= 0 ? pass.statistics_momentum : spec_.momentum;
  return {spec_.eps, momentum, &frozen_.value, &running_mean_.value, &running_var_.value, &mean_, &inv_std_};
}

BatchNorm BatchNormLayer::by_batch() const { return {&scale_.value, &shift_.value, &mean_, &inv_std_, activation_}; }

BatchNorm BatchNormLayer::normalization(Backend& backend, const Pass& pass, const Tensor& x) {
  if (pass.mode == Mode::train) {
    if (takes_statistics_) backend.batch_norm_statistics(x, statistics(pass));
    return by_batch();
  }
  const AffineTerms terms = affine_terms(backend).value();
  set_values(backend, terms.a, a_);
  set_values(backend, terms.c, c_);
  return {&a_, &c_, nullptr, nullptr, activation_};
}

void BatchNormLayer::forward(Backend& backend, const Pass& pass, std::span<const Tensor* const> in, Tensor& out) {
  backend.batch_norm_forward(*in[0], normalization(backend, pass, *in[0]), out);
}

void BatchNormLayer::backward(Backend& backend, const Pass& /*pass*/, std::span<const Tensor* const> in,
                              const Tensor& out, const Tensor& dout, std::span<Tensor* const> din) {
  Tensor result = room_for(backend, din[0], in[0]->shape());
  backend.batch_norm_backward(*in[0], out, dout, by_batch(), result, scale_.gradient, shift_.gradient);
}

void BatchNormLayer::pool_forward(Backend& backend, const Pass& pass, const Pool2d& shape, const Tensor& x, Tensor& y,
                                  Tensor& argmax) {
  backend.batch_norm_max_pool_forward(shape, x, normalization(backend, pass, x), y, argmax);
}

void BatchNormLayer::pool_backward(Backend& backend, const Pool2d& shape, const Tensor& x, const Tensor& y,
                                   const Tensor& argmax, const Tensor& dy, Tensor* dx) {
  Tensor result = room_for(backend, dx, x.shape());
  backend.batch_norm_max_pool_backward(shape, x, y, argmax, dy, by_batch(), result, scale_.gradient, shift_.gradient);
}

ChannelStates BatchNormLayer::states(std::span<const ChannelStates* const> in, const SetTable& /*sets*/,
                                     Backend& backend) {
  const AffineTerms terms = affine_terms(backend).value();
  ChannelStates out = *in[0];
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i].constant) out[i].value = terms.a[i] * out[i].value + terms.c[i];
  }
  return out;
}

bool BatchNormLayer::freeze(const ChannelStates& inputs, std::int64_t steps, Backend& backend) {
  std::vector<float> frozen = host_values(backend, frozen_.value);
  const std::vector<float> shift = host_values(backend, shift_.value);
  std::vector<float> mean = host_values(backend, running_mean_.value);
  std::vector<float> var = host_values(backend, running_var_.value);
  std::vector<float> pull(shift.size(), 0.0F);
  if (shift_.pull.defined()) pull = host_values(backend, shift_.pull);
  bool changed = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].constant == (frozen[i] != 0.0F)) continue;
    changed = true;
    frozen[i] = inputs[i].constant ? 1.0F : 0.0F;
    pull[i] = 0.0F;
    if (!inputs[i].constant) continue;
    mean[i] = inputs[i].value;
    var[i] = 0.0F;
    pull[i] = pull_strength(shift[i], steps);
  }
  if (!changed) return false;
  const Shape& shape = shift_.value.shape();
  if (!shift_.pull.defined()) shift_.pull = backend.allocate(shape);
  set_values(backend, frozen, frozen_.value);
  set_values(backend, mean, running_mean_.value);
  set_values(backend, var, running_var_.value);
  set_values(backend, pull, shift_.pull);
  return true;
}

}  // namespace scnn
