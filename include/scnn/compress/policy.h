#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scnn/compress/removal.h"
#include "scnn/nn/graph.h"

namespace scnn {

/// How far a run is.
struct RunClock {
  std::int64_t step = 0;  ///< steps done
  std::int64_t steps_per_epoch = 1;
  std::int64_t total_steps = 0;
  std::int64_t compressing_steps = 0;  ///< steps before number formats freeze; without a freeze, total_steps

  [[nodiscard]] double epochs() const { return static_cast<double>(step) / static_cast<double>(steps_per_epoch); }
  [[nodiscard]] double progress() const { return static_cast<double>(step) / static_cast<double>(total_steps); }
  [[nodiscard]] bool compressing() const { return step < compressing_steps; }
  [[nodiscard]] bool epoch_ended() const { return step % steps_per_epoch == 0; }
  [[nodiscard]] bool ended() const { return step == total_steps; }
  /// Whether `period` steps, or a multiple of them, are done.
  [[nodiscard]] bool due(std::int64_t period) const { return period > 0 && step % period == 0; }
};

/// What a policy sees of training and may do to it.  The trainer implements it.
class TrainingAccess {
 public:
  TrainingAccess() = default;
  TrainingAccess(const TrainingAccess&) = delete;
  TrainingAccess& operator=(const TrainingAccess&) = delete;
  virtual ~TrainingAccess() = default;

  [[nodiscard]] virtual Graph& graph() = 0;
  [[nodiscard]] virtual const RunClock& clock() const = 0;
  /// `n` training images [n, h, w, channels] without augmentation, evenly spread over the set.
  [[nodiscard]] virtual Tensor probe_images(std::int64_t n) = 0;
  /// To be called where an update does other work than before: the step is recorded again.
  virtual void updates_changed() = 0;
  /// To be called behind every look for removable channels, whether any left or not.
  virtual void channels_removed(const RemovalResult& result) = 0;
};

/// Named numbers: what a checkpoint keeps of a policy.
using PolicyState = std::map<std::string, double>;

/// Something that happens around training steps.
class CompressionPolicy {
 public:
  CompressionPolicy() = default;
  CompressionPolicy(const CompressionPolicy&) = delete;
  CompressionPolicy& operator=(const CompressionPolicy&) = delete;
  virtual ~CompressionPolicy() = default;

  /// Key of its state in a checkpoint; unique within a run.
  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual void before_step(TrainingAccess& /*training*/) {}
  /// The clock counts the step that was just done.
  virtual void after_step(TrainingAccess& /*training*/) {}
  /// Factor on the weight of the size loss.
  [[nodiscard]] virtual double gamma_factor(const RunClock& /*clock*/) const { return 1; }
  [[nodiscard]] virtual PolicyState state() const { return {}; }
  /// Numbers that `state` lacks keep their value.
  virtual void restore(const PolicyState& /*state*/) {}
};

/// In the order in which they are called.
using PolicyList = std::vector<std::unique_ptr<CompressionPolicy>>;

}  // namespace scnn
