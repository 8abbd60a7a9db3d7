#pragma once

#include <cstdint>
#include <functional>

#include "scnn/nn/graph.h"

namespace scnn {

/// Moves gamma so that the packed file, not the learned bits, comes down to a budget: a proportional-integral
/// controller of log gamma on the logarithm of the file's size over a reference.  The reference falls in a straight
/// line on that scale from the first size to the budget at 65% of training and stays, so that bits go no faster than
/// they must: channels that lose their bits are gone for good.
class ByteBudget {
 public:
  /// What a checkpoint holds.
  struct State {
    double log_factor = 0;   ///< gamma is multiplied by exp(log_factor)
    double first_bytes = 0;  ///< 0: nothing measured yet
    double first_progress = 0, progress = 0;
    double error = 0;  ///< log(bytes / reference) of the last measurement
  };

  ByteBudget() = default;
  /// `target`: bytes, at least 1.
  explicit ByteBudget(double target) : target_(target) {}

  [[nodiscard]] bool on() const noexcept { return target_ > 0; }
  /// What gamma is multiplied by; 1 where no budget is on, whatever the state of a checkpoint says.
  [[nodiscard]] double factor() const;
  /// The size that is aimed at when `progress` (0 to 1) of training is done; needs a first measurement.
  [[nodiscard]] double reference(double progress) const;
  /// A measured size: moves the factor.
  void measured(double progress, double bytes);

  State state;

 private:
  double target_ = 0;
};

/// Shifts the bits of all live channels by one amount, the largest in [-1, 1] found by bisection at which `bytes()` is
/// at most `target`; nothing where `bytes()` is within 2% below it already.  Bits stay within their
/// limits: max_bits, and 0, where a channel dies, or output_min_bits.  A shift at which `bytes()` throws
/// ErrorKind::training, no way through the network being left, goes too far.  Returns the size reached, which is more
/// than `target` where a whole bit less is not enough.
std::int64_t shift_bits_to_budget(Graph& graph, std::int64_t target, const std::function<std::int64_t()>& bytes);

}  // namespace scnn
