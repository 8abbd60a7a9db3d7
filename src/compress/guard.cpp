#include "scnn/compress/guard.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "scnn/backend/host_copy.h"

namespace scnn {
namespace {

constexpr std::string_view suffix = ".bits";
/// What a loss that is no number counts as.
constexpr double most_harm = 1e30;

/// Learned bits of the graph's layers.
std::vector<Parameter*> learned_bits(Graph& graph) {
  std::vector<Parameter*> all;
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->name.ends_with(suffix) && parameter->trainable) all.push_back(parameter);
  }
  return all;
}

std::string layer_name(const Parameter& bits) { return bits.name.substr(0, bits.name.size() - suffix.size()); }

}  // namespace

ForgettingGuard::Layer& ForgettingGuard::layer_of(const std::string& name) {
  const auto known = std::ranges::find(layers, name, &Layer::name);
  if (known != layers.end()) return *known;
  layers.push_back({name, 1, 0, {}});
  return layers.back();
}

double ForgettingGuard::pace(const std::string& layer) const {
  const auto known = std::ranges::find(layers, layer, &Layer::name);
  return !on() || known == layers.end() ? 1.0 : known->pace;
}

void ForgettingGuard::remember(Graph& graph) {
  for (const Parameter* parameter : learned_bits(graph)) {
    layer_of(layer_name(*parameter)).bits = host_values(graph.backend(), parameter->value);
  }
}

void ForgettingGuard::look(Graph& graph, const std::function<double()>& loss) {
  double present = -1;  // measured where it is needed first
  for (Parameter* parameter : learned_bits(graph)) {
    Layer& layer = layer_of(layer_name(*parameter));
    const std::vector<float> bits = host_values(graph.backend(), parameter->value);
    const std::vector<float> before = std::exchange(layer.bits, bits);
    layer.harm = 0;
    if (before.size() == bits.size()) {
      std::vector<float> next = bits;
      for (std::size_t i = 0; i < bits.size(); ++i) {
        next[i] = std::max(parameter->lower, bits[i] - std::max(0.0F, before[i] - bits[i]));
      }
      if (next != bits) {
        if (present < 0) present = loss();
        set_values(graph.backend(), next, parameter->value);
        const double harm = loss() / present - 1;
        layer.harm = std::isfinite(harm) ? harm : most_harm;
        set_values(graph.backend(), bits, parameter->value);
      }
    }
    layer.pace = layer.harm > tolerance_ ? std::max(least_pace, layer.pace / 2) : std::min(1.0, layer.pace * 1.25);
  }
}

}  // namespace scnn
