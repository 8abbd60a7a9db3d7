#include <chrono>

#include "compress/policies/policies.h"
#include "core/clock.h"
#include "core/trace.h"

namespace scnn {
namespace {

constexpr std::int64_t probe_size = 64;

class ChannelRemoval final : public CompressionPolicy {
 public:
  explicit ChannelRemoval(std::int64_t period) : period_(period) {}
  [[nodiscard]] std::string_view name() const override { return "channel_removal"; }
  void after_step(TrainingAccess& training) override {
    if (!training.clock().due(period_) && !training.clock().ended()) return;
    const TraceScope range("removal");
    const auto start = std::chrono::steady_clock::now();
    if (freeze_constants(training.graph(), period_)) training.updates_changed();
    RemovalResult result = remove_channels(training.graph(), training.probe_images(probe_size));
    result.seconds = seconds_since(start);
    training.channels_removed(result);
  }

 private:
  std::int64_t period_;  ///< steps
};

}  // namespace

void add_channel_removal(PolicyList& list, const CompressionOptions& options, const RunClock& clock) {
  const std::int64_t period = options.removal.in_steps(clock.steps_per_epoch);
  if (period > 0) list.push_back(std::make_unique<ChannelRemoval>(period));
}

}  // namespace scnn
