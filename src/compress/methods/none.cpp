#include "compress/methods/methods.h"

namespace scnn {
namespace {

class None final : public CompressionMethod {
 public:
  using CompressionMethod::CompressionMethod;
  [[nodiscard]] std::unique_ptr<Quantizer> quantizer(const QuantizerSite& /*site*/,
                                                     Backend& /*backend*/) const override {
    return nullptr;
  }
  [[nodiscard]] bool quantizes() const override { return false; }
};

}  // namespace

MethodInfo none_method() { return {"none", "float weights, the baseline", "", make_as<None>}; }

}  // namespace scnn
