#include <algorithm>

#include "compress/policies/policies.h"

namespace scnn {
namespace {

class GammaRamp final : public CompressionPolicy {
 public:
  explicit GammaRamp(double epochs) : epochs_(epochs) {}
  [[nodiscard]] std::string_view name() const override { return "gamma_ramp"; }
  [[nodiscard]] double gamma_factor(const RunClock& clock) const override {
    return std::min(1.0, clock.epochs() / epochs_);
  }

 private:
  double epochs_;
};

}  // namespace

void add_gamma_ramp(PolicyList& list, const CompressionOptions& options) {
  if (options.gamma_ramp_epochs > 0) list.push_back(std::make_unique<GammaRamp>(options.gamma_ramp_epochs));
}

}  // namespace scnn
