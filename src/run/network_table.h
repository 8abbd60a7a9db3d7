#pragma once

#include <string>
#include <vector>

#include "scnn/nn/graph.h"

namespace scnn {

/// One line of the network's table.
struct LayerRow {
  std::string name, type, shape;  ///< shape of the output for one image, "28 x 28 x 32" or "512"
  std::string inputs;             ///< names, where a layer does not simply read the one before it
  std::int64_t parameters = 0;    ///< learned numbers, without bits and exponents
  std::int64_t macs = 0;          ///< multiply-adds of one image
};

/// Every live node of a graph, with the channels alive now.
[[nodiscard]] std::vector<LayerRow> layer_rows(Graph& graph);
/// The rows and their sums as text in columns.
[[nodiscard]] std::string network_table(Graph& graph);

/// Text in columns: the first left-aligned, `left` more so too, the others right-aligned; a rule below the first row.
[[nodiscard]] std::string text_table(const std::vector<std::vector<std::string>>& rows, std::size_t left = 0);

}  // namespace scnn
