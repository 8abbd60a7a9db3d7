#include "scnn/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scnn {
namespace {

/// From 1 at 0 to 0 at 1.
double half_cosine(double progress) { return 0.5 * (1.0 + std::cos(std::numbers::pi * progress)); }

}  // namespace

double Schedule::factor(double epochs) const {
  if (restart_.epochs > 0 && epochs >= total_epochs_) {
    const double progress = std::min(1.0, (epochs - total_epochs_) / restart_.epochs);
    return restart_.factor * half_cosine(progress);
  }
  const double warmup = options_.warmup_epochs;
  const double rise = warmup > 0 ? std::min(1.0, epochs / warmup) : 1.0;
  return rise * after_warmup(epochs);
}

double Schedule::after_warmup(double epochs) const {
  const double begin = options_.warmup_epochs;
  switch (options_.type) {
    case ScheduleType::constant:
      return 1.0;
    case ScheduleType::step:
      return std::pow(options_.factor, std::floor(epochs / options_.every_epochs));
    case ScheduleType::cosine: {
      const double progress = std::clamp((epochs - begin) / std::max(total_epochs_ - begin, 1e-9), 0.0, 1.0);
      return options_.final_factor + (1.0 - options_.final_factor) * half_cosine(progress);
    }
    case ScheduleType::piecewise: {
      const auto& knots = options_.epochs;
      const auto& values = options_.factors;
      const auto next = std::ranges::upper_bound(knots, epochs);
      if (next == knots.begin()) return values.front();
      if (next == knots.end()) return values.back();
      const auto i = static_cast<std::size_t>(next - knots.begin());
      const double share = (epochs - knots[i - 1]) / (knots[i] - knots[i - 1]);
      return values[i - 1] + share * (values[i] - values[i - 1]);
    }
    case ScheduleType::anneal_end: {
      const double start = total_epochs_ * (1.0 - options_.fraction);
      if (epochs <= start) return 1.0;
      const double share = std::min(1.0, (epochs - start) / std::max(total_epochs_ - start, 1e-9));
      return 1.0 + share * (options_.final_factor - 1.0);
    }
    case ScheduleType::reduce_on_plateau:
      return std::max(options_.min_factor, std::pow(options_.factor, static_cast<double>(state.reductions)));
  }
  return 1.0;
}

void Schedule::epoch_ended(std::int64_t epochs, double training_loss) {
  if (options_.type != ScheduleType::reduce_on_plateau || epochs <= options_.after_epochs) return;
  if (state.epochs_since < 0 || training_loss < state.best * (1.0 - options_.threshold)) {
    state.best = training_loss;
    state.epochs_since = 0;
  } else {
    ++state.epochs_since;
  }
  if (state.cooling > 0) {
    --state.cooling;
    state.epochs_since = 0;
  }
  if (state.epochs_since <= options_.patience) return;
  ++state.reductions;
  state.cooling = options_.cooldown;
  state.epochs_since = 0;
}

}  // namespace scnn
