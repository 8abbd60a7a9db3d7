#include <algorithm>
#include <cmath>

#include "compress/policies/policies.h"
#include "scnn/compress/quantizer.h"

namespace scnn {
namespace {

class IntegerExponents final : public CompressionPolicy {
 public:
  explicit IntegerExponents(std::int64_t from) : from_(from) {}
  [[nodiscard]] std::string_view name() const override { return "integer_exponents"; }
  /// No state: a resumed run rounds what is round already, a fork with another setting rounds here.
  void before_step(TrainingAccess& training) override {
    if (done_ || training.clock().step < from_) return;
    round_exponents(training.graph());
    freeze_parameters(training.graph(), ParameterRole::exponent);
    done_ = true;
  }

 private:
  std::int64_t from_;  ///< steps done when it happens
  bool done_ = false;
};

}  // namespace

void add_integer_exponents(PolicyList& list, const CompressionOptions& options, const RunClock& clock) {
  const double from = options.integer_exponents_from;
  if (from >= 1) return;
  const auto share = static_cast<std::int64_t>(std::llround(from * static_cast<double>(clock.total_steps)));
  list.push_back(std::make_unique<IntegerExponents>(std::min(share, clock.total_steps - 1)));
}

}  // namespace scnn
