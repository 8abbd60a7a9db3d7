#include "compress/policies/byte_budget.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "compress/policies/policies.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

// Of log gamma for each unit of error, and for each unit of error and of training: 12 epochs correct 10% in half an
// epoch.
constexpr double proportional = 8, integral = 80;
constexpr double most_at_once = 0.35;
constexpr double lowest = -7, highest = 5;
/// Where the reference reaches the budget, and how little below: what training does to the file later is rounding.
constexpr double arrival = 0.65, below = 0.99;

}  // namespace

double ByteBudget::factor() const { return on() ? std::exp(state.log_factor) : 1; }

double ByteBudget::reference(double progress) const {
  const double goal = below * target_;
  if (state.first_bytes <= goal || progress >= arrival || state.first_progress >= arrival) return goal;
  const double way = std::max(0.0, (progress - state.first_progress) / (arrival - state.first_progress));
  return state.first_bytes * std::pow(goal / state.first_bytes, way);
}

void ByteBudget::measured(double progress, double bytes) {
  if (state.first_bytes == 0) {
    state.first_bytes = bytes;
    state.first_progress = state.progress = progress;
    return;
  }
  const double error = std::log(bytes / reference(progress));
  // A fork into a longer training is at a smaller share of it than its checkpoint was.
  const double trained = std::max(0.0, progress - state.progress);
  const double change = proportional * (error - state.error) + integral * error * trained;
  state.log_factor = std::clamp(state.log_factor + std::clamp(change, -most_at_once, most_at_once), lowest, highest);
  state.error = error;
  state.progress = progress;
}

std::int64_t shift_bits_to_budget(Graph& graph, std::int64_t target, const std::function<std::int64_t()>& bytes) {
  const std::int64_t before = bytes();
  if (before <= target && before >= target - target / 50) return before;
  struct Bits {
    Parameter* parameter = nullptr;
    std::vector<float> values;
  };
  std::vector<Bits> all;
  for (Parameter* parameter : graph.parameters()) {
    if (parameter->role != ParameterRole::bits || !parameter->trainable) continue;
    all.push_back({parameter, host_values(graph.backend(), parameter->value)});
  }
  // The size after a shift; none where it leaves no way through the network.
  const auto shift = [&](double by) -> std::optional<std::int64_t> {
    for (const Bits& bits : all) {
      std::vector<float> shifted = bits.values;
      for (float& value : shifted) {
        if (value > 0) value = std::clamp(value + static_cast<float>(by), bits.parameter->lower, bits.parameter->upper);
      }
      set_values(graph.backend(), shifted, bits.parameter->value);
    }
    try {
      return bytes();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::training) throw;
      return std::nullopt;
    }
  };
  // The size is nearly monotonous in the shift: what bisection has seen to fit is kept, not what it ends with.
  double low = before > target ? -1 : 0, high = before > target ? 0 : 1;
  std::optional<double> best;
  if (before <= target) best = 0;
  for (int i = 0; i < 12; ++i) {
    const double middle = (low + high) / 2;
    const std::optional<std::int64_t> size = shift(middle);
    (size && *size > target ? high : low) = middle;
    if (size && *size <= target) best = middle;
  }
  // Where nothing fits, what comes closest: a whole bit less, or the least that leaves a network.
  if (const std::optional<std::int64_t> size = shift(best.value_or(-1))) return *size;
  return shift(high).value();
}

namespace {

class ByteBudgetPolicy final : public CompressionPolicy {
 public:
  ByteBudgetPolicy(std::int64_t target, std::int64_t period, std::function<std::int64_t(Graph&)> file_bytes)
      : target_(target), period_(period), file_bytes_(std::move(file_bytes)), budget_(static_cast<double>(target)) {}

  [[nodiscard]] std::string_view name() const override { return "byte_budget"; }
  void after_step(TrainingAccess& training) override {
    const RunClock& clock = training.clock();
    if (!file_bytes_) throw Error(ErrorKind::bug, "byte_budget: nothing measures the packed file");
    if (!clock.compressing()) {
      if (clock.step != clock.compressing_steps && !clock.due(period_) && !clock.ended()) return;
      Graph& graph = training.graph();
      shift_bits_to_budget(graph, target_, [&] { return file_bytes_(graph); });
    } else if (clock.due(period_)) {
      budget_.measured(static_cast<double>(clock.step) / static_cast<double>(clock.compressing_steps),
                       static_cast<double>(file_bytes_(training.graph())));
    }
  }
  [[nodiscard]] double gamma_factor(const RunClock& /*clock*/) const override { return budget_.factor(); }
  [[nodiscard]] PolicyState state() const override {
    const ByteBudget::State& s = budget_.state;
    return {{"log_factor", s.log_factor},
            {"first_bytes", s.first_bytes},
            {"first_progress", s.first_progress},
            {"progress", s.progress},
            {"error", s.error}};
  }
  void restore(const PolicyState& state) override {
    ByteBudget::State& s = budget_.state;
    const auto read = [&](const char* key, double& value) {
      if (const auto found = state.find(key); found != state.end()) value = found->second;
    };
    read("log_factor", s.log_factor);
    read("first_bytes", s.first_bytes);
    read("first_progress", s.first_progress);
    read("progress", s.progress);
    read("error", s.error);
  }

 private:
  std::int64_t target_, period_;  ///< bytes; steps between measurements
  std::function<std::int64_t(Graph&)> file_bytes_;
  ByteBudget budget_;
};

}  // namespace

void add_byte_budget(PolicyList& list, const CompressionOptions& options, const PolicySetup& setup) {
  if (options.target_bytes <= 0) return;
  const std::int64_t period = std::max<std::int64_t>(1, setup.clock.steps_per_epoch / 4);
  list.push_back(std::make_unique<ByteBudgetPolicy>(options.target_bytes, period, setup.file_bytes));
}

}  // namespace scnn
