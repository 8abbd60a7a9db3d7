#pragma once

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"
#include "scnn/nn/graph.h"

namespace scnn::test {

/// Writes a NetworkSpec by hand: `net.layer("conv1", spec)` reads the layer before it, `net.layer(name, spec, {a, b})`
/// the named ones.
class NetworkBuilder {
 public:
  NetworkBuilder(std::int64_t channels, std::int64_t h, std::int64_t w) {
    spec_.push_back({"input", InputSpec{channels, h, w}, {}, ""});
  }
  NetworkBuilder& layer(const std::string& name, LayerOptions options, const std::vector<std::string>& inputs = {}) {
    LayerSpec layer{name, std::move(options), {}, ""};
    for (const std::string& input : inputs) layer.inputs.push_back(index(input));
    if (inputs.empty()) layer.inputs = {static_cast<int>(spec_.size()) - 1};
    spec_.push_back(std::move(layer));
    return *this;
  }
  /// conv (3x3, same, no bias), batch-norm and relu: `name`, `name`_bn, `name`_relu.
  NetworkBuilder& conv_bn_relu(const std::string& name, std::int64_t out, const std::vector<std::string>& inputs = {}) {
    return layer(name, conv(out), inputs).layer(name + "_bn", BatchNormSpec{}).layer(name + "_relu", ReluSpec{});
  }
  static Conv2dSpec conv(std::int64_t out, std::int64_t groups = 1) {
    Conv2dSpec spec;
    spec.out = out;
    spec.kernel = {3, 3};
    spec.padding = Padding::same;
    spec.groups = groups;
    spec.bias = false;
    return spec;
  }
  static Conv2dSpec depthwise(std::int64_t out) {
    Conv2dSpec spec = conv(out);
    spec.depthwise = true;
    return spec;
  }
  [[nodiscard]] const NetworkSpec& spec() const { return spec_; }

 private:
  [[nodiscard]] int index(const std::string& name) const {
    for (std::size_t i = 0; i < spec_.size(); ++i) {
      if (spec_[i].name == name) return static_cast<int>(i);
    }
    throw Error(ErrorKind::bug, "no layer " + name);
  }
  NetworkSpec spec_;
};

inline PoolSpec global_average() {
  PoolSpec spec;
  spec.kind = PoolKind::average;
  spec.global = true;
  return spec;
}

/// Normally distributed values from a fixed seed.
inline Tensor random_tensor(const Shape& shape, unsigned seed, float deviation = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, deviation);
  Tensor tensor = Tensor::host(shape);
  for (float& value : tensor.values<float>()) value = normal(generator);
  return tensor;
}

/// The same on a backend's device.
inline Tensor random_on(Backend& backend, const Shape& shape, unsigned seed) {
  Tensor tensor = backend.allocate(shape);
  backend.copy(random_tensor(shape, seed), tensor);
  return tensor;
}

inline Graph::Node& node(Graph& graph, const std::string& name) {
  for (Graph::Node& candidate : graph.nodes()) {
    if (candidate.spec.name == name) return candidate;
  }
  throw Error(ErrorKind::bug, "no node " + name);
}

inline Parameter& parameter(Graph& graph, const std::string& name) {
  for (Parameter* candidate : graph.parameters()) {
    if (candidate->name == name) return *candidate;
  }
  throw Error(ErrorKind::bug, "no parameter " + name);
}

inline std::int32_t live_channels(Graph& graph, const std::string& name) {
  return graph.sets()[node(graph, name).edge.set].size();
}

/// Random batch-norm terms and statistics, so that evaluation is no identity.
inline void randomize_batch_norms(Graph& graph, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  for (Parameter* p : graph.parameters()) {
    for (const auto& [suffix, centre] :
         {std::pair{".scale", 1.0F}, {".shift", 0.0F}, {".running_mean", 0.0F}, {".running_var", 1.5F}}) {
      if (!p->name.ends_with(suffix)) continue;
      std::vector<float> values(static_cast<std::size_t>(p->value.size()));
      for (float& value : values) value = centre + 0.4F * uniform(generator);
      set_values(graph.backend(), values, p->value);
    }
  }
}

}  // namespace scnn::test
