#include "scnn/nn/graph.h"

#include <algorithm>
#include <cmath>

#include "core/settings_error.h"
#include "core/trace.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/common.h"

namespace scnn {

Graph::Graph(const NetworkSpec& spec, Backend& backend) : backend_(backend) {
  if (spec.size() < 2 || !std::holds_alternative<InputSpec>(spec.front().options)) {
    throw Error(ErrorKind::experiment, "a network starts with its input and has at least one layer");
  }
  // All mistakes are reported at once; a layer behind a wrong one cannot be judged and is passed over.
  std::string text;
  std::vector<Mistake> mistakes;
  std::vector<bool> known;
  const auto mistake = [&](int index, const std::string& what) {
    const LayerSpec& layer = spec[static_cast<std::size_t>(index)];
    mistakes.push_back({"", index, "layer '" + layer.name + "' (" + type_name(layer.options) + ") " + what});
    if (!text.empty()) text += '\n';
    if (!layer.where.empty()) text.append(layer.where).append(": ");
    text += mistakes.back().message;
  };
  nodes_.reserve(spec.size());
  for (const LayerSpec& layer_spec : spec) {
    const int index = static_cast<int>(nodes_.size());
    Node node;
    node.spec = layer_spec;
    node.inputs = layer_spec.inputs;
    node.layer = make_layer(layer_spec);
    for (const int input : node.inputs) {
      require(input >= 0 && input < index, ErrorKind::bug, "Graph: inputs must come before their readers");
      nodes_[static_cast<std::size_t>(input)].consumers.push_back(index);
    }
    known.push_back(
        std::ranges::all_of(node.inputs, [&](int input) { return known[static_cast<std::size_t>(input)]; }));
    try {
      if (known.back()) node.edge = node.layer->infer(input_edges(node), index, sets_, backend_);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::experiment) throw;
      mistake(index, error.what());
      known.back() = false;
    }
    nodes_.push_back(std::move(node));
  }
  const Node& last = nodes_.back();
  if (known.back() && last.edge.h * last.edge.w != 1) {
    mistake(static_cast<int>(spec.size()) - 1,
            "ends the network with " + describe(last.edge, sets_) + ": end with one number for each class (1x1)");
  }
  if (!mistakes.empty()) throw SettingsError(text, std::move(mistakes));
  fuse();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    node.storage = node.layer->alias() ? nodes_[static_cast<std::size_t>(node.inputs[0])].storage : static_cast<int>(i);
    node.needs_gradient = std::ranges::any_of(node.layer->parameters(), &Parameter::trainable);
    for (const int input : node.inputs) {
      node.needs_gradient = node.needs_gradient || nodes_[static_cast<std::size_t>(input)].needs_gradient;
    }
  }
  prune();
}

const Graph::Node* Graph::sole_input(const Node& node) const {
  if (node.inputs.size() != 1) return nullptr;
  const Node& before = nodes_[static_cast<std::size_t>(node.inputs[0])];
  return before.consumers.size() == 1 ? &before : nullptr;
}

void Graph::fuse() {
  for (Node& node : nodes_) {
    if (const Node* before = sole_input(node)) node.layer->fuse_with(*before->layer);
  }
}

std::vector<Edge> Graph::input_edges(const Node& node) const {
  std::vector<Edge> edges;
  for (const int input : node.inputs) edges.push_back(nodes_[static_cast<std::size_t>(input)].edge);
  return edges;
}

void Graph::initialize(std::uint64_t seed) {
  for (const int index : weighted_nodes()) {
    Node& node = nodes_[static_cast<std::size_t>(index)];
    const Shape& shape = node.layer->weights()->parameter.value.shape();
    const double fan_in = std::max(1.0, static_cast<double>(shape.size()) / static_cast<double>(shape[0]));
    const auto bound = static_cast<float>(1.0 / std::sqrt(fan_in));
    for (Parameter* parameter : node.layer->parameters()) {
      const bool weight = parameter == &node.layer->weights()->parameter;
      if (!weight && parameter->role != ParameterRole::bias) continue;
      const RandomStream stream(seed, Stream::initialize, static_cast<std::uint32_t>(2 * index + (weight ? 0 : 1)));
      Tensor host = Tensor::host(parameter->value.shape());
      const auto values = host.values<float>();
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = (2.0F * uniform(stream.draws(i / 4).v[i % 4]) - 1.0F) * bound;
      }
      backend_.copy(host, parameter->value);
    }
  }
}

void Graph::plan(std::int64_t batch) {
  planned_batch_ = batch;
  ++plans_;
  view_batch_ = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const Shape shape{batch, node.edge.h, node.edge.w, sets_[node.edge.set].size()};
    node.output = node.gradient = node.view = node.gradient_view = Tensor();
    if (node.live) node.layer->plan(input_edges(node), node.edge, sets_, batch, backend_);
    if (node.storage == static_cast<int>(i)) {
      if (i > 0) node.output = backend_.allocate(shape);
      if (node.needs_gradient) node.gradient = backend_.allocate(shape);
    }
  }
}

void Graph::view_at(std::int64_t batch) {
  if (view_batch_ == batch) return;
  view_batch_ = batch;
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const Node& owner = nodes_[static_cast<std::size_t>(node.storage)];
    if (owner.output.defined()) node.view = at_batch(owner.output, batch);
    if (owner.gradient.defined()) node.gradient_view = at_batch(owner.gradient, batch);
  }
}

const Tensor& Graph::forward(const Tensor& x, const Pass& pass) {
  const TraceScope range("forward");
  const std::int64_t batch = x.shape()[0];
  const Edge& input = nodes_.front().edge;
  require(x.shape() == Shape({batch, input.h, input.w, sets_[input.set].size()}), ErrorKind::bug,
          "Graph::forward: the images do not fit the network's input");
  if (batch > planned_batch_) plan(batch);
  view_at(batch);
  nodes_.front().view = x;
  for (Node& node : nodes_) {
    if (node.layer->alias()) node.view = nodes_[static_cast<std::size_t>(node.inputs[0])].view;
    if (!node.live || node.layer->alias() || &node == &nodes_.front()) continue;
    const TraceScope layer("forward", node.spec.name);
    std::vector<const Tensor*> in;
    for (const int i : node.inputs) in.push_back(&nodes_[static_cast<std::size_t>(i)].view);
    if (Weights* weights = node.layer->weights(); weights != nullptr && weights->quantizer) {
      weights->quantizer->prepare(backend_, weights->parameter, pass);
    }
    node.layer->forward(backend_, pass, in, node.view);
    if (probe) probe(node, false, node.view);
  }
  logits_ = nodes_.back().view.reshaped(Shape{batch, classes()});
  return logits_;
}

void Graph::backward(const Tensor& dlogits, const Pass& pass) {
  const TraceScope range("backward");
  for (Node& node : nodes_) node.gradient_written = false;
  Node& last = nodes_[static_cast<std::size_t>(nodes_.back().storage)];
  backend_.copy(dlogits.reshaped(last.gradient_view.shape()), last.gradient_view);
  last.gradient_written = true;
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (node->live && node->needs_gradient && !node->layer->alias()) backward(*node, pass);
  }
}

void Graph::backward(Node& node, const Pass& pass) {
  const TraceScope range("backward", node.spec.name);
  // A second reader's gradient goes to memory of its own first: layers write with `=`.
  std::vector<const Tensor*> in;
  std::vector<Tensor*> din;
  std::vector<Tensor> extra(node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    Node& input = nodes_[static_cast<std::size_t>(node.inputs[i])];
    Node& owner = nodes_[static_cast<std::size_t>(input.storage)];
    in.push_back(&input.view);
    if (!owner.needs_gradient) {
      din.push_back(nullptr);
    } else if (owner.gradient_written) {
      extra[i] = backend_.allocate(owner.gradient_view.shape());
      din.push_back(&extra[i]);
    } else {
      owner.gradient_written = true;
      din.push_back(&owner.gradient_view);
    }
  }
  if (!node.gradient_written) backend_.fill(node.gradient_view, 0.0F);
  node.layer->backward(backend_, pass, in, node.view, node.gradient_view, din);
  for (std::size_t i = 0; i < extra.size(); ++i) {
    if (!extra[i].defined()) continue;
    Node& input = nodes_[static_cast<std::size_t>(node.inputs[i])];
    backend_.accumulate(extra[i], 1.0F, nodes_[static_cast<std::size_t>(input.storage)].gradient_view);
  }
  if (Weights* weights = node.layer->weights(); pass.finish_gradients && weights != nullptr && weights->quantizer) {
    weights->quantizer->backward(backend_, weights->parameter);
  }
  if (probe) probe(node, true, node.gradient_view);
}

std::vector<Parameter*> Graph::parameters() {
  std::vector<Parameter*> list;
  for (Node& node : nodes_) {
    for (Parameter* parameter : node.layer->parameters()) list.push_back(parameter);
  }
  return list;
}

std::vector<int> Graph::weighted_nodes() const {
  std::vector<int> list;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].layer->weights() != nullptr) list.push_back(static_cast<int>(i));
  }
  return list;
}

std::int64_t Graph::classes() const { return sets_[nodes_.back().edge.set].original(); }

std::int64_t Graph::macs(const SetTable& sets) const {
  std::int64_t sum = 0;
  for (const Node& node : nodes_) {
    if (node.live) sum += node.layer->macs(input_edges(node), node.edge, sets);
  }
  return sum;
}

Graph::Memory Graph::training_memory() {
  constexpr auto element = static_cast<std::int64_t>(sizeof(float));
  Memory memory;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.storage != static_cast<int>(i)) continue;
    const std::int64_t size = node.edge.h * node.edge.w * sets_[node.edge.set].size();
    memory.of_image += (node.needs_gradient ? 2 : 1) * size * element;
  }
  for (const Parameter* parameter : parameters()) {
    const auto copies =
        1 + (parameter->gradient.defined() ? 1 : 0) + static_cast<std::int64_t>(parameter->slots.size());
    memory.of_parameters += copies * parameter->value.size() * element;
  }
  return memory;
}

std::vector<ChannelStates> Graph::states() {
  std::vector<ChannelStates> states(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (i == 0) {
      states[i].resize(static_cast<std::size_t>(sets_[node.edge.set].size()));
    } else if (node.live) {
      std::vector<const ChannelStates*> in;
      for (const int input : node.inputs) in.push_back(&states[static_cast<std::size_t>(input)]);
      states[i] = node.layer->states(in, sets_, backend_);
    }
  }
  return states;
}

}  // namespace scnn
