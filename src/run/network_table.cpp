#include "run/network_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "scnn/record/console.h"

namespace scnn {
namespace {

std::string shape_text(const Edge& edge, const SetTable& sets) {
  const std::int64_t channels = sets[edge.set].size();
  return edge.flat || (edge.h == 1 && edge.w == 1) ? grouped(edge.h * edge.w * channels)
                                                   : fmt::format("{} x {} x {}", edge.h, edge.w, channels);
}

bool is_weight_or_shift(const Parameter& parameter) {
  return parameter.trainable && !belongs_to_quantizer(parameter.role);
}

}  // namespace

std::vector<LayerRow> layer_rows(Graph& graph) {
  std::vector<LayerRow> rows;
  const auto& nodes = graph.nodes();
  int previous = -1;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Graph::Node& node = nodes[i];
    if (!node.live) continue;
    LayerRow row;
    row.name = node.spec.name;
    row.type = type_name(node.spec.options);
    row.shape = shape_text(node.edge, graph.sets());
    std::vector<Edge> in;
    for (const int input : node.inputs) in.push_back(nodes[static_cast<std::size_t>(input)].edge);
    const bool plain = node.inputs.empty() || (node.inputs.size() == 1 && node.inputs[0] == previous);
    for (std::size_t k = 0; k < node.inputs.size() && !plain; ++k) {
      row.inputs += (k > 0 ? ", " : "") + nodes[static_cast<std::size_t>(node.inputs[k])].spec.name;
    }
    for (const Parameter* parameter : node.layer->parameters()) {
      if (is_weight_or_shift(*parameter)) row.parameters += parameter->value.size();
    }
    row.macs = node.layer->macs(in, node.edge, graph.sets());
    previous = static_cast<int>(i);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string network_table(Graph& graph) {
  std::vector<std::vector<std::string>> table = {{"layer", "type", "input", "output", "parameters", "multiply-adds"}};
  std::int64_t parameters = 0, macs = 0;
  for (const LayerRow& row : layer_rows(graph)) {
    table.push_back({row.name, row.type, row.inputs, row.shape, row.parameters > 0 ? grouped(row.parameters) : "",
                     row.macs > 0 ? grouped(row.macs) : ""});
    parameters += row.parameters;
    macs += row.macs;
  }
  table.push_back({"all", "", "", "", grouped(parameters), grouped(macs)});
  return text_table(table, 2);
}

std::string text_table(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  std::size_t total = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      if (widths[i] == 0) continue;
      line += i == 0 ? "" : "  ";
      line += i <= left ? fmt::format("{:<{}}", rows[r][i], widths[i]) : fmt::format("{:>{}}", rows[r][i], widths[i]);
    }
    total = std::max(total, line.size());
    while (!line.empty() && line.back() == ' ') line.pop_back();
    text += line + "\n";
    if (r == 0) text += std::string(total, '-') + "\n";
  }
  return text;
}

}  // namespace scnn
