#include "packed/format.h"

#include <algorithm>
#include <set>

namespace scnn {
namespace deploy {

const char* name_stem(NodeType type, const LayerOptions& options) {
  return type == NodeType::affine ? "batch_norm" : type_name(options);
}

bool makes_set(const LayerOptions& options) {
  return std::holds_alternative<InputSpec>(options) || std::holds_alternative<Conv2dSpec>(options) ||
         std::holds_alternative<LinearSpec>(options) || std::holds_alternative<AddSpec>(options) ||
         std::holds_alternative<ConcatSpec>(options);
}

std::int64_t weight_inputs(const LayerOptions& options, const ChannelSet& in) {
  const auto* conv = std::get_if<Conv2dSpec>(&options);
  if (conv == nullptr) return in.size();
  if (conv->depthwise) return 1;
  return conv->groups == 1 ? in.size() : in.original() / conv->groups;
}

bool has_columns(const LayerOptions& options) {
  const auto* conv = std::get_if<Conv2dSpec>(&options);
  return conv != nullptr ? conv->groups == 1 && !conv->depthwise : std::holds_alternative<LinearSpec>(options);
}

namespace {

using Fail = std::function<void(const std::string&)>;

void check_weights(const PackedLayer& layer, const LayerOptions& options, const ChannelSet& in, const ChannelSet& out,
                   const Fail& fail) {
  const auto* conv = std::get_if<Conv2dSpec>(&options);
  const bool bias = conv != nullptr ? conv->bias : std::get<LinearSpec>(options).bias;
  if (layer.shape.rank() != 4) return fail("its weights are not of rank 4");
  if (layer.shape[0] != out.size() || layer.shape[3] != weight_inputs(options, in)) {
    return fail("its weights " + layer.shape.str() + " do not fit " + std::to_string(in.size()) + " inputs and " +
                std::to_string(out.size()) + " outputs");
  }
  if (conv != nullptr && (layer.shape[1] != conv->kernel.h || layer.shape[2] != conv->kernel.w)) {
    return fail("its weights " + layer.shape.str() + " do not fit its kernel");
  }
  const std::int64_t groups = conv == nullptr ? 1 : conv->depthwise ? in.original() : conv->groups;
  if (in.original() % groups != 0 || out.original() % groups != 0) {
    return fail("its groups do not divide its inputs and outputs");
  }
  if (layer.bias.size() != (bias ? static_cast<std::size_t>(out.size()) : 0)) fail("its bias does not fit its outputs");
  const auto size = static_cast<std::size_t>(layer.shape.size());
  if (layer.channels.empty()) {
    if (layer.weights.size() != size) fail("its weights do not fill their shape " + layer.shape.str());
    return;
  }
  if (!layer.weights.empty()) fail("it has both integers and float weights");
  if (layer.channels.size() != static_cast<std::size_t>(out.size())) fail("its integers do not fit its outputs");
  for (const IntegerChannel& channel : layer.channels) {
    if (channel.integers.size() * layer.channels.size() != size) fail("a channel's integers do not fit its weights");
  }
}

}  // namespace

void check_model(const PackedModel& model, const Fail& fail) {
  const std::size_t nodes = model.network.size();
  if (nodes < 2 || nodes > max_nodes) return fail("it has " + std::to_string(nodes) + " layers");
  if (model.layers.size() != nodes || model.affines.size() != nodes) return fail("its lists differ in length");
  std::set<std::string> names;
  for (std::size_t i = 0; i < nodes; ++i) {
    const LayerSpec& spec = model.network[i];
    const bool input = std::holds_alternative<InputSpec>(spec.options);
    if (spec.name.size() > max_name) return fail("a layer's name is too long");
    if (!names.insert(spec.name).second) return fail("two layers are named '" + spec.name + "'");
    if (input != (i == 0) || input != spec.inputs.empty()) return fail("layer '" + spec.name + "' lacks inputs");
    for (const int from : spec.inputs) {
      if (from < 0 || from >= static_cast<int>(i)) return fail("layer '" + spec.name + "' reads a later layer");
    }
  }
  const std::vector<SetId> sets = node_sets(model.network);
  if (model.sets.size() != static_cast<std::size_t>(*std::ranges::max_element(sets)) + 1) {
    return fail("its channel sets do not fit its layers");
  }
  if (std::ranges::any_of(model.sets, [](const ChannelSet& set) { return set.original() > int{max_channels}; })) {
    return fail("a layer has more than " + std::to_string(max_channels) + " channels");
  }
  const auto set_of = [&](int node) -> const ChannelSet& {
    return model.sets[static_cast<std::size_t>(sets[static_cast<std::size_t>(node)])];
  };
  for (std::size_t i = 0; i < nodes; ++i) {
    const LayerSpec& spec = model.network[i];
    const Fail fail_here = [&](const std::string& what) { fail("layer '" + spec.name + "': " + what); };
    const ChannelSet& out = set_of(static_cast<int>(i));
    const auto* input = std::get_if<InputSpec>(&spec.options);
    const auto* conv = std::get_if<Conv2dSpec>(&spec.options);
    const auto* linear = std::get_if<LinearSpec>(&spec.options);
    const std::int64_t declared = input ? input->channels : conv ? conv->out : linear ? linear->out : out.original();
    if (declared != out.original()) fail_here("its channel set does not fit its options");
    if (input != nullptr && out.size() != out.original()) fail_here("channels of the images are missing");
    if (conv != nullptr || linear != nullptr) {
      check_weights(model.layers[i], spec.options, set_of(spec.inputs.front()), out, fail_here);
    }
    const PackedAffine& affine = model.affines[i];
    const auto expected = std::holds_alternative<AffineSpec>(spec.options) ? static_cast<std::size_t>(out.size()) : 0;
    if (affine.a.size() != expected || affine.c.size() != expected) fail_here("its terms do not fit its channels");
  }
  if (!model.activations.empty()) {
    if (model.activations.size() != nodes) return fail("its scales of activations do not fit its layers");
    bool some = false;
    for (std::size_t i = 0; i < nodes; ++i) {
      const ActivationQuantization& quantization = model.activations[i];
      if (quantization == ActivationQuantization{}) continue;
      some = true;
      if (!(quantization.scale >= least_step && quantization.scale <= largest_step) || quantization.zero_point < 0 ||
          quantization.zero_point > 255) {
        return fail("layer '" + model.network[i].name + "': a step of its output is not between 1e-30 and 1e30");
      }
      if (std::holds_alternative<FlattenSpec>(model.network[i].options)) {
        return fail("layer '" + model.network[i].name + "': a flattened image has a scale of its own");
      }
    }
    if (!some) return fail("it is calibrated, and no activation has a scale");
  }
  const auto channels = static_cast<std::size_t>(model.sets.front().original());
  const Normalization& norm = model.normalization;
  if (norm.mean.size() != norm.std.size() || (!norm.mean.empty() && norm.mean.size() != channels)) {
    fail("its normalization does not fit its input channels");
  }
  const auto classes = static_cast<std::size_t>(set_of(static_cast<int>(nodes) - 1).original());
  if (!model.class_names.empty() && model.class_names.size() != classes) {
    fail("its class names do not fit its " + std::to_string(classes) + " outputs");
  }
}

}  // namespace deploy

std::vector<SetId> node_sets(const NetworkSpec& network) {
  std::vector<SetId> sets;
  SetId next = 0;
  for (const LayerSpec& spec : network) {
    const bool own = deploy::makes_set(spec.options) || spec.inputs.empty();
    sets.push_back(own ? next++ : sets.at(static_cast<std::size_t>(spec.inputs.front())));
  }
  return sets;
}

std::vector<bool> stored_columns(const PackedLayer& layer, const LayerOptions& options) {
  const auto inputs = static_cast<std::size_t>(layer.shape[3]);
  if (!layer.quantized() || !deploy::has_columns(options)) return std::vector<bool>(inputs, true);
  std::vector<bool> stored(inputs, false);
  for (const IntegerChannel& channel : layer.channels) {
    for (std::size_t k = 0; k < channel.integers.size(); ++k) {
      if (channel.integers[k] != 0) stored[k % inputs] = true;
    }
  }
  return stored;
}

bool PackedModel::quantized() const {
  return std::ranges::any_of(layers, [](const PackedLayer& layer) { return layer.quantized(); });
}

std::vector<float> PackedLayer::effective() const {
  if (!quantized()) return weights;
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(shape.size()));
  for (const IntegerChannel& channel : channels) {
    for (const std::int32_t integer : channel.integers) values.push_back(channel.scale * static_cast<float>(integer));
  }
  return values;
}

}  // namespace scnn
