#pragma once

#include <cstdint>
#include <vector>

#include "scnn/compress/options.h"
#include "scnn/nn/graph.h"

namespace scnn {

/// The size loss Q of the paper's eqs. 4 and 5, for any graph.
///
/// Q = (1 / N) * sum over quantized channels of b * credit, N the weights of the starting network.  The credit of
/// channel i of layer l counts weights that go with it: its own whose input is live (eq. 4: all its own), and in eq. 5
/// also those of live outputs in every consumer column that reads it, unless its quantizer lets no channel die.  Where
/// several live channels feed one column (a sum), they share that column's credit equally.  Credits carry no gradient,
/// so dQ/db = credit / N while b > 0.
class SizeLoss {
 public:
  /// `original_weights` is N.
  SizeLoss(Graph& graph, SizeLossForm form, bool revive, std::int64_t original_weights);

  /// Reads the graph's structure again; needed after a removal.
  void rebuild();
  /// Q at the present bits, which are read; learned ones get their dQ/db (Quantizer::set_size_slope).  Slopes change
  /// only where a channel dies or revives, and are sent to the device only then.
  double value();
  /// Adds gamma * dQ/db, as of the last value(), to every learned b's gradient.
  void backward(double gamma);
  /// Credits of the quantized channels of each weighted node (in Graph::weighted_nodes order; empty for float layers)
  /// at the present bits.
  [[nodiscard]] std::vector<std::vector<double>> credits();

 private:
  /// One weighted layer and what feeds each of its input channels.
  struct Entry {
    int node = 0;
    std::int64_t taps = 1;  ///< weights a column has in one output row
    std::int32_t outputs = 0;
    bool grouped = false;
    std::vector<std::vector<std::int32_t>> reads;                             ///< grouped: input columns of each output
    std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> feeders;  ///< input channel -> (entry, channel)
    std::vector<std::uint8_t> always;                                         ///< input channel fed by the data itself
    std::vector<float> bits;                                                  ///< present values; 1 for float layers
    std::vector<float> slope;                                                 ///< as sent to the device
    bool quantized = false,
         can_lose_channels = false;  ///< can_lose_channels: Quantizer::lets_channels_die, or its bits are not learned
  };
  void read_bits();
  [[nodiscard]] bool live(const Entry& entry, std::int32_t channel) const;
  [[nodiscard]] bool input_live(const Entry& entry, std::size_t column) const;

  Graph& graph_;
  SizeLossForm form_;
  bool revive_;
  double original_weights_;
  std::vector<Entry> entries_;
};

}  // namespace scnn
