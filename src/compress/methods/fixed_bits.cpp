#include "compress/methods/methods.h"
#include "compress/policies/policies.h"
#include "scnn/compress/quantizer.h"

namespace scnn {
namespace {

class FixedBits final : public CompressionMethod {
 public:
  using CompressionMethod::CompressionMethod;
  [[nodiscard]] std::unique_ptr<Quantizer> quantizer(const QuantizerSite& site, Backend& backend) const override {
    return std::make_unique<ChannelQuantizer>(site.layer, site.weight, static_cast<float>(options().bits), false, false,
                                              backend);
  }
  void add_policies(PolicyList& list, const PolicySetup& setup) const override {
    add_integer_exponents(list, options(), setup.clock);
    add_format_freeze(list, options());
  }
  void check(std::int64_t /*epochs*/, Conflicts& conflicts) const override { check_freeze(options(), conflicts); }
};

}  // namespace

MethodInfo fixed_bits_method() {
  return {"fixed_bits", "every channel has the same fixed bits; exponents are learned",
          "bits, integer_exponents_from, freeze, include, exclude", make_as<FixedBits>};
}

}  // namespace scnn
