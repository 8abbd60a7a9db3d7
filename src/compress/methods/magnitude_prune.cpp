#include <algorithm>
#include <cmath>

#include "compress/methods/methods.h"
#include "compress/policies/policies.h"
#include "scnn/compress/quantizer.h"

namespace scnn {
namespace {

class MagnitudePrune final : public CompressionMethod {
 public:
  using CompressionMethod::CompressionMethod;
  [[nodiscard]] std::unique_ptr<Quantizer> quantizer(const QuantizerSite& site, Backend& backend) const override {
    return std::make_unique<ChannelQuantizer>(site.layer, site.weight, static_cast<float>(options().bits), false, false,
                                              backend);
  }
  void add_policies(PolicyList& list, const PolicySetup& setup) const override {
    add_integer_exponents(list, options(), setup.clock);
    add_format_freeze(list, options());
    add_prune_schedule(list, options());
    add_channel_removal(list, options(), setup.clock);
  }
  void check(std::int64_t epochs, Conflicts& conflicts) const override {
    const std::vector<double>& at = options().prune.epochs;
    const double all = static_cast<double>(epochs), freezes = (1 - options().freeze_fraction) * all;
    const char* const setting = "compression.prune.epochs";
    const bool whole = std::ranges::all_of(at, [](double epoch) { return epoch == std::floor(epoch); });
    if (!whole || std::ranges::adjacent_find(at, std::greater_equal<>()) != at.end()) {
      conflicts.add(setting, "'epochs' must be increasing whole numbers");
    } else if (!at.empty() && at.back() >= all) {
      conflicts.add(setting, "channels go after epoch " + number_text(at.back()) + ", training has " + number_text(all),
                    "what is left needs an epoch to learn without them");
    } else if (!at.empty() && at.back() > freezes + 1e-9) {
      conflicts.add(setting, "channels go after epoch " + number_text(at.back()) + ", and formats freeze at epoch " +
                                 number_text(freezes));
    }
    if (options().removal.in_steps(1) <= 0) {
      conflicts.add("compression.removal", "without removal pruned channels would stay in the network as zeros");
    }
    check_freeze(options(), conflicts);
  }
};

}  // namespace

MethodInfo magnitude_prune_method() {
  return {"magnitude_prune", "fixed_bits, and at given epochs the channels of smallest L1 norm go (arXiv 1608.08710)",
          "bits, integer_exponents_from, prune, removal, freeze, include, exclude", make_as<MagnitudePrune>};
}

}  // namespace scnn
