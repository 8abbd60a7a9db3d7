#include "scnn/train/options.h"

#include <algorithm>
#include <functional>

namespace scnn {
namespace {

void check(const ScheduleOptions& schedule, const std::string& at, Conflicts& conflicts) {
  const std::vector<double>& epochs = schedule.epochs;
  if (schedule.type != ScheduleType::piecewise || epochs.empty() || schedule.factors.empty()) return;
  if (epochs.size() != schedule.factors.size()) {
    conflicts.add(at + ".factors",
                  std::to_string(epochs.size()) + " epochs but " + std::to_string(schedule.factors.size()) + " factors",
                  "one factor for each point");
  }
  if (std::ranges::adjacent_find(epochs, std::greater_equal<>()) != epochs.end()) {
    conflicts.add(at + ".epochs", "'epochs' must increase");
  }
}

}  // namespace

void check(const TrainOptions& train, Conflicts& conflicts) {
  const OptimizerOptions& optimizer = train.optimizer;
  if (optimizer.nesterov && optimizer.momentum <= 0) {
    conflicts.add("train.optimizer.nesterov", "nesterov needs a momentum above 0");
  }
  check(train.schedule, "train.schedule", conflicts);
  for (std::size_t i = 0; i < optimizer.groups.size(); ++i) {
    const std::string at = "train.optimizer.groups[" + std::to_string(i) + "]";
    if (optimizer.type == OptimizerType::sgd && optimizer.groups[i].eps) {
      conflicts.add(at + ".eps", "'eps' does not exist for sgd", "it belongs to adam, adamw");
    }
    if (optimizer.groups[i].schedule) check(*optimizer.groups[i].schedule, at + ".schedule", conflicts);
  }
}

}  // namespace scnn
