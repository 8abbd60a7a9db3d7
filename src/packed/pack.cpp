#include "core/difference.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/simple.h"
#include "nn/layers/weighted.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"
#include "scnn/packed/packed.h"

namespace scnn {
namespace {

PackedLayer packed_layer(Layer& layer, Backend& backend) {
  const Weights& weights = *layer.weights();
  PackedLayer packed;
  packed.shape = weights.parameter.value.shape();
  if (weights.quantizer) {
    packed.channels = weights.quantizer->integers(backend, weights.parameter);
  } else {
    packed.weights = host_values(backend, weights.parameter.value);
  }
  if (const Parameter* bias = layer.parameter(ParameterRole::bias)) packed.bias = host_values(backend, bias->value);
  return packed;
}

PackedAffine packed_affine(const Layer& layer, Backend& backend) {
  const std::optional<AffineTerms> terms = layer.affine_terms(backend);
  return terms ? PackedAffine{terms->a, terms->c} : PackedAffine{};
}

/// Every layer but dropouts, dead ones too: their sets are empty.
PackedModel collect(Graph& graph) {
  PackedModel model;
  std::vector<int> place;  // of each node in the packed network; a dropout's is its input's
  for (Graph::Node& node : graph.nodes()) {
    LayerSpec spec = node.spec;
    for (int& input : spec.inputs) input = place[static_cast<std::size_t>(input)];
    if (std::holds_alternative<DropoutSpec>(spec.options)) {
      place.push_back(spec.inputs.front());
      continue;
    }
    place.push_back(static_cast<int>(model.network.size()));
    if (std::holds_alternative<BatchNormSpec>(spec.options)) spec.options = AffineSpec{};
    spec.where.clear();
    model.network.push_back(std::move(spec));
    const bool weighted = node.layer->weights() != nullptr;
    model.layers.push_back(weighted ? packed_layer(*node.layer, graph.backend()) : PackedLayer{});
    model.affines.push_back(packed_affine(*node.layer, graph.backend()));
  }
  // Dropouts make no sets, so their going changes no numbers.
  for (const SetTable::Entry& entry : graph.sets().entries) model.sets.push_back(entry.channels);
  return model;
}

/// Error(checkpoint) where a tensor of the file does not fit the graph's.
void fill(Parameter& parameter, const std::vector<float>& values, Backend& backend) {
  if (static_cast<std::size_t>(parameter.value.size()) != values.size()) {
    throw Error(ErrorKind::checkpoint, "damaged model: " + parameter.name + " holds " + std::to_string(values.size()) +
                                           " numbers, the network needs " + parameter.value.shape().str() +
                                           "; export it again");
  }
  set_values(backend, values, parameter.value);
}

void fill(Graph::Node& node, const PackedLayer& packed, const PackedAffine& affine, Backend& backend) {
  Layer& layer = *node.layer;
  if (Weights* weights = layer.weights()) {
    Parameter& weight = weights->parameter;
    if (!(weight.value.shape() == packed.shape)) {
      throw Error(ErrorKind::checkpoint, "damaged model: " + weight.name + " has shape " + packed.shape.str() +
                                             ", the network needs " + weight.value.shape().str() + "; export it again");
    }
    fill(weight, packed.effective(), backend);
    if (Parameter* bias = layer.parameter(ParameterRole::bias)) fill(*bias, packed.bias, backend);
  } else if (Parameter* factor = layer.parameter(ParameterRole::factor)) {
    fill(*factor, affine.a, backend);
    fill(*layer.parameter(ParameterRole::offset), affine.c, backend);
  }
}

}  // namespace

PackedModel pack(Graph& graph, const std::string& name, const Dataset& data, const ExportOptions& options) {
  constexpr double rounding = 1e-5;
  PackedModel model = trim(collect(graph), graph.backend());
  if (options.fold_batch_norm) {
    PackedModel folded = fold(model);
    const std::vector<float> before = probe_logits(*unpack(model, graph.backend()));
    if (relative_difference(before, probe_logits(*unpack(folded, graph.backend()))) <= rounding) {
      model = std::move(folded);
    }
  }
  if (options.reals == RealForm::half) model = snap(std::move(model));
  model.integers = options.integers;
  model.name = name;
  model.class_names = data.class_names;
  model.normalization = data.normalization;
  return model;
}

Tensor probe_images(const InputSpec& input) {
  Tensor host = Tensor::host(Shape{32, input.h, input.w, input.channels});
  const RandomStream stream(0, Stream::probe);
  for (std::int64_t i = 0; i < host.size(); ++i) {
    const Draws draws = stream.draws(static_cast<std::uint64_t>(i));
    host.data<float>()[i] = 4.0F * uniform(draws.v[0]) - 2.0F;
  }
  return host;
}

Tensor normalized_images(const Tensor& pixels, const Normalization& normalization) {
  Tensor made = Tensor::host(pixels.shape());
  const auto from = pixels.values<std::uint8_t>();
  const auto to = made.values<float>();
  const std::vector<float> table = normalization_table(normalization);
  const std::size_t channels = table.size() / 256;
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = channels > 0 ? table[i % channels * 256 + from[i]] : static_cast<float>(from[i]) / 255.0F;
  }
  return made;
}

std::vector<float> probe_logits(Graph& graph) {
  return graph_logits(graph, probe_images(std::get<InputSpec>(graph.nodes().front().spec.options)));
}

std::vector<float> graph_logits(Graph& graph, const Tensor& images) {
  constexpr std::int64_t together = 256;
  const Shape& whole = images.shape();
  const auto size = static_cast<std::size_t>(whole[1] * whole[2] * whole[3]);
  std::vector<float> logits;
  for (std::int64_t first = 0; first < whole[0]; first += together) {
    const Shape shape{std::min(together, whole[0] - first), whole[1], whole[2], whole[3]};
    Tensor batch = graph.backend().allocate(shape);
    set_values(graph.backend(),
               images.values<float>().subspan(static_cast<std::size_t>(first) * size,
                                              static_cast<std::size_t>(shape[0]) * size),
               batch);
    const std::vector<float> made = host_values(graph.backend(), graph.forward(batch, Pass{}));
    logits.insert(logits.end(), made.begin(), made.end());
  }
  return logits;
}

std::unique_ptr<Graph> unpack(const PackedModel& model, Backend& backend) {
  try {
    auto graph = std::make_unique<Graph>(model.network, backend);
    std::vector<SetId> sets;
    for (const Graph::Node& node : graph->nodes()) sets.push_back(node.edge.set);
    const auto& entries = graph->sets().entries;
    bool fits = sets == node_sets(model.network) && model.sets.size() == entries.size();
    for (std::size_t i = 0; fits && i < entries.size(); ++i) {
      fits = model.sets[i].original() == entries[i].channels.original();
    }
    if (!fits)
      throw Error(ErrorKind::checkpoint, "damaged model: its channel sets do not fit its layers; export it again");
    graph->restrict_to(model.sets);
    for (std::size_t i = 0; i < graph->nodes().size(); ++i) {
      if (graph->nodes()[i].live) fill(graph->nodes()[i], model.layers.at(i), model.affines.at(i), backend);
    }
    return graph;
  } catch (const Error& error) {
    // The network came from a file, not from an experiment.
    if (error.kind() != ErrorKind::experiment) throw;
    throw Error(ErrorKind::checkpoint, std::string("damaged model: ") + error.what() + "; export it again");
  }
}

}  // namespace scnn
