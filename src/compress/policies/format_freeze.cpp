#include "compress/policies/policies.h"
#include "scnn/compress/quantizer.h"

namespace scnn {
namespace {

class FormatFreeze final : public CompressionPolicy {
 public:
  [[nodiscard]] std::string_view name() const override { return "format_freeze"; }
  void before_step(TrainingAccess& training) override {
    if (frozen_ || training.clock().compressing()) return;
    for (const ParameterRole format : {ParameterRole::bits, ParameterRole::exponent}) {
      freeze_parameters(training.graph(), format);
    }
    frozen_ = true;
  }
  [[nodiscard]] double gamma_factor(const RunClock& /*clock*/) const override { return frozen_ ? 0 : 1; }

 private:
  bool frozen_ = false;
};

}  // namespace

void add_format_freeze(PolicyList& list, const CompressionOptions& options) {
  if (options.freeze_fraction > 0) list.push_back(std::make_unique<FormatFreeze>());
}

}  // namespace scnn
