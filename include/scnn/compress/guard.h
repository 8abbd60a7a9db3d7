#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "scnn/nn/graph.h"

namespace scnn {

/// Against irreversible forgetting: a layer whose bits fall faster than the others can make up for is slowed.
///
/// At every look, each layer in turn is set as it would be at the next look if its bits went on falling as they did
/// since the last one, and the loss on a probe is compared with the present one.  Where that is more than `tolerance`
/// (a share of the present loss) worse, the layer's size loss is halved; else it comes back by a quarter, up to 1.
class ForgettingGuard {
 public:
  /// A layer whose bits are learned, as a look finds it.
  struct Layer {
    std::string name;
    double pace = 1;          ///< its size loss is multiplied by this, in [least_pace, 1]
    double harm = 0;          ///< of the last look: what its fall to the next one would add, as a share of the loss
    std::vector<float> bits;  ///< at the last look, of the channels that live
  };
  static constexpr double least_pace = 1.0 / 32;

  ForgettingGuard() = default;
  /// `tolerance` above 0.
  explicit ForgettingGuard(double tolerance) : tolerance_(tolerance) {}

  [[nodiscard]] bool on() const noexcept { return tolerance_ > 0; }
  /// `loss()` evaluates the graph on the probe.  The bits are as before when it returns.
  void look(Graph& graph, const std::function<double()>& loss);
  /// Bits from which the next fall is counted; needed where channels have left since the last look.
  void remember(Graph& graph);
  /// By layer name; 1 where it is off, and for layers that it does not know.
  [[nodiscard]] double pace(const std::string& layer) const;

  std::vector<Layer> layers;  ///< what a checkpoint holds

 private:
  [[nodiscard]] Layer& layer_of(const std::string& name);

  double tolerance_ = 0;
};

}  // namespace scnn
