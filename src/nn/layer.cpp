#include "scnn/nn/layer.h"

#include <algorithm>

#include "nn/layers/batch_norm.h"
#include "nn/layers/conv2d.h"
#include "nn/layers/join.h"
#include "nn/layers/linear.h"
#include "nn/layers/pool.h"
#include "nn/layers/simple.h"

namespace scnn {

SetId SetTable::add(const Entry& entry) {
  entries.push_back(entry);
  return static_cast<SetId>(entries.size()) - 1;
}

ChannelStates Layer::states(std::span<const ChannelStates* const> in, const SetTable& /*sets*/, Backend& /*backend*/) {
  return in.empty() ? ChannelStates() : *in[0];
}

Parameter* Layer::parameter(ParameterRole role) {
  const std::vector<Parameter*> all = parameters();
  const auto found = std::ranges::find(all, role, &Parameter::role);
  return found == all.end() ? nullptr : *found;
}

bool Layer::reads(int /*input*/, std::int32_t /*channel*/, const SetTable& /*sets*/) const { return true; }

std::int64_t Layer::macs(std::span<const Edge> /*in*/, const Edge& /*out*/, const SetTable& /*sets*/) const {
  return 0;
}

namespace {

/// The registry: one row for each layer type.
struct Maker {
  const std::string& name;

  using Made = std::unique_ptr<Layer>;
  Made operator()(const InputSpec& spec) const { return std::make_unique<InputLayer>(name, spec); }
  Made operator()(const Conv2dSpec& spec) const { return std::make_unique<Conv2dLayer>(name, spec); }
  Made operator()(const LinearSpec& spec) const { return std::make_unique<LinearLayer>(name, spec); }
  Made operator()(const BatchNormSpec& spec) const { return std::make_unique<BatchNormLayer>(name, spec); }
  Made operator()(const ReluSpec&) const { return std::make_unique<ReluLayer>(name); }
  Made operator()(const PoolSpec& spec) const { return std::make_unique<PoolLayer>(name, spec); }
  Made operator()(const FlattenSpec&) const { return std::make_unique<FlattenLayer>(name); }
  Made operator()(const DropoutSpec& spec) const { return std::make_unique<DropoutLayer>(name, spec); }
  Made operator()(const ScaleSpec& spec) const { return std::make_unique<ScaleLayer>(name, spec); }
  Made operator()(const AddSpec&) const { return std::make_unique<AddLayer>(name); }
  Made operator()(const ConcatSpec&) const { return std::make_unique<ConcatLayer>(name); }
  Made operator()(const AffineSpec&) const { return std::make_unique<AffineLayer>(name); }
};

}  // namespace

std::unique_ptr<Layer> make_layer(const LayerSpec& spec) { return std::visit(Maker{spec.name}, spec.options); }

}  // namespace scnn
