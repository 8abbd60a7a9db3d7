#include "compress/methods/methods.h"
#include "compress/policies/policies.h"
#include "scnn/compress/quantizer.h"

namespace scnn {
namespace {

class SelfCompress final : public CompressionMethod {
 public:
  using CompressionMethod::CompressionMethod;
  [[nodiscard]] std::unique_ptr<Quantizer> quantizer(const QuantizerSite& site, Backend& backend) const override {
    auto made = std::make_unique<ChannelQuantizer>(site.layer, site.weight, static_cast<float>(options().init_bits),
                                                   true, options().revive, backend);
    made->channel_bits().lower = site.makes_logits ? static_cast<float>(options().output_min_bits) : 0.0F;
    made->channel_bits().upper = static_cast<float>(options().max_bits);
    return made;
  }
  [[nodiscard]] bool learns_bits() const override { return true; }
  void add_policies(PolicyList& list, const PolicySetup& setup) const override {
    add_gamma_ramp(list, options());
    add_integer_exponents(list, options(), setup.clock);
    add_format_freeze(list, options());
    add_byte_budget(list, options(), setup);
    add_channel_removal(list, options(), setup.clock);
  }
  void check(std::int64_t /*epochs*/, Conflicts& conflicts) const override {
    const CompressionOptions& o = options();
    // At the setting that the experiment gives itself.
    const auto at = [&](const char* setting) {
      return conflicts.given(setting) || !conflicts.given("compression.max_bits") ? setting : "compression.max_bits";
    };
    if (o.init_bits > o.max_bits) {
      conflicts.add(at("compression.init.bits"),
                    "init.bits " + number_text(o.init_bits) + " is above max_bits " + number_text(o.max_bits));
    }
    if (o.output_min_bits > o.max_bits) {
      conflicts.add(at("compression.output_min_bits"), "output_min_bits " + number_text(o.output_min_bits) +
                                                           " is above max_bits " + number_text(o.max_bits));
    }
    if (o.target_bytes > 0 && o.gamma <= 0) {
      conflicts.add("compression.target_bytes", "target_bytes moves gamma by factors, and gamma is 0",
                    "set a gamma above 0 to start from");
    }
    check_freeze(o, conflicts);
  }
};

}  // namespace

MethodInfo self_compress_method() {
  return {
      "self_compress", "bits and exponents of every channel are learned, dead channels are removed (arXiv 2301.13142)",
      "gamma, target_bytes, gamma_ramp, size_loss, init, max_bits, integer_exponents_from, output_min_bits, revive, "
      "removal, freeze, include, exclude",
      make_as<SelfCompress>};
}

}  // namespace scnn
