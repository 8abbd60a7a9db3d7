#include "scnn/nn/quantizer.h"

#include "catch.h"

using namespace scnn;

TEST_CASE("a quantizer's parameter is found by its role") {
  struct Steps final : Quantizer {
    Parameter logit, step;
    [[nodiscard]] WeightView view(const Parameter& weight) const override { return {&weight.value, nullptr, nullptr}; }
    void backward(Backend& /*backend*/, Parameter& /*weight*/) override {}
    [[nodiscard]] std::vector<Parameter*> parameters() override { return {&logit, &step}; }
    [[nodiscard]] std::vector<float> bits(Backend& /*backend*/) const override { return {}; }
    [[nodiscard]] std::vector<IntegerChannel> integers(Backend& /*backend*/, const Parameter& /*w*/) const override {
      return {};
    }
  } quantizer;
  quantizer.logit.identify("conv", ParameterRole::logit);
  quantizer.step.identify("conv", ParameterRole::step);
  CHECK(quantizer.parameter(ParameterRole::step) == &quantizer.step);
  CHECK(quantizer.parameter(ParameterRole::logit)->name == "conv.logit");
  CHECK(quantizer.parameter(ParameterRole::bits) == nullptr);
}
