#include "compress/methods/lsq.h"

#include <cmath>
#include <numbers>

#include "compress/methods/methods.h"
#include "scnn/backend/host_copy.h"

namespace scnn {

LsqQuantizer::LsqQuantizer(const std::string& layer, const Parameter& weight, float bits, Backend& backend)
    : positive_end_(std::exp2(bits - 1.0F) - 1.0F) {
  const Shape channels{weight.value.shape()[0]};
  for (Tensor* tensor : {&bits_, &exponents_, &bits_gradient_, &exponents_gradient_}) {
    *tensor = backend.allocate(channels);
  }
  backend.fill(bits_, bits);
  double sum = 0;
  for (const float value : host_values(backend, weight.value)) sum += std::abs(static_cast<double>(value));
  const double mean = sum > 0 ? sum / static_cast<double>(weight.value.size()) : 1.0;
  step_.identify(layer, ParameterRole::step);
  step_.lower = 1e-8F;  // a step of 0 or less is no step
  step_.value = backend.allocate(Shape{1});
  step_.gradient = backend.allocate(Shape{1});
  backend.fill(step_.value, static_cast<float>(2.0 * mean / std::sqrt(static_cast<double>(positive_end_))));
}

float LsqQuantizer::exponent(Backend& backend) const { return std::log2(host_values(backend, step_.value)[0]); }

void LsqQuantizer::prepare(Backend& backend, const Parameter& /*weight*/, const Pass& /*pass*/) {
  backend.fill(exponents_, exponent(backend));
}

WeightView LsqQuantizer::view(const Parameter& weight) const { return {&weight.value, &bits_, &exponents_}; }

void LsqQuantizer::backward(Backend& backend, Parameter& weight) {
  backend.quantize_backward(view(weight), false, weight.gradient, bits_gradient_, exponents_gradient_);
  double sum = 0;
  for (const float gradient : host_values(backend, exponents_gradient_)) sum += gradient;
  // dL/de = ln2 * s * dL/ds.
  const double step = host_values(backend, step_.value)[0];
  const double scale = 1.0 / std::sqrt(static_cast<double>(weight.value.size()) * positive_end_);
  backend.fill(step_.gradient, static_cast<float>(scale * sum / (std::numbers::ln2 * step)));
}

std::vector<float> LsqQuantizer::bits(Backend& backend) const { return host_values(backend, bits_); }

std::vector<IntegerChannel> LsqQuantizer::integers(Backend& backend, const Parameter& weight) const {
  Tensor exponents = backend.allocate(exponents_.shape());
  backend.fill(exponents, exponent(backend));
  return channel_integers(backend, weight.value, bits_, exponents);
}

namespace {

class Lsq final : public CompressionMethod {
 public:
  using CompressionMethod::CompressionMethod;
  [[nodiscard]] std::unique_ptr<Quantizer> quantizer(const QuantizerSite& site, Backend& backend) const override {
    return std::make_unique<LsqQuantizer>(site.layer, site.weight, static_cast<float>(options().bits), backend);
  }
  [[nodiscard]] bool allows_removal() const override { return false; }
  void check(std::int64_t /*epochs*/, Conflicts& conflicts) const override {
    if (options().bits >= 2) return;
    conflicts.add("compression.bits", "bits is " + number_text(options().bits) + ", lsq needs at least 2",
                  "with 1 there is no step up");
  }
};

}  // namespace

MethodInfo lsq_method() {
  return {"lsq", "LSQ: every layer has the same fixed bits and a learned step (arXiv 1902.08153)",
          "bits, include, exclude", make_as<Lsq>};
}

}  // namespace scnn
