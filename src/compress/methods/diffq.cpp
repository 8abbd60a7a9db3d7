#include "compress/methods/diffq.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "compress/methods/methods.h"
#include "compress/policies/policies.h"
#include "scnn/backend/host_copy.h"
#include "scnn/core/number_format.h"
#include "scnn/core/random.h"
#include "scnn/nn/layer.h"

namespace scnn {
namespace {

double range_of(std::span<const float> weights) {
  float largest = 0;
  for (const float value : weights) largest = std::max(largest, std::abs(value));
  return largest > 0 ? largest : 1.0;
}

/// D(b).
double step_of(double largest, double bits) { return largest * std::exp2(1.0 - bits); }

/// The same at whole bits, and what a group is clamped to.
ChannelFormat<float> format_of(double largest, int bits) {
  const float step = std::ldexp(static_cast<float>(largest), 1 - bits);
  const float half = std::ldexp(1.0F, bits - 1);
  return {step, 1.0F / step, -half, half - 1.0F};
}

int whole_bits(double bits) { return static_cast<int>(std::nearbyint(bits)); }

std::vector<float> draw_noise(PseudoNoise kind, const RandomStream& stream, std::size_t count) {
  std::vector<float> noise(count);
  for (std::size_t i = 0; i < count; i += 4) {
    const Draws draws = stream.draws(i / 4);
    float four[4];
    for (std::size_t j = 0; j < 4; ++j) four[j] = uniform(draws.v[j]) - 0.5F;
    if (kind == PseudoNoise::gaussian) {
      for (std::size_t j = 0; j < 4; j += 2) {  // Box and Muller, halved
        const float radius = 0.5F * std::sqrt(-2.0F * std::log(1.0F - uniform(draws.v[j])));
        const float angle = 2.0F * std::numbers::pi_v<float> * uniform(draws.v[j + 1]);
        four[j] = radius * std::cos(angle);
        four[j + 1] = radius * std::sin(angle);
      }
    }
    std::copy_n(four, std::min<std::size_t>(4, count - i), noise.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return noise;
}

}  // namespace

DiffqQuantizer::DiffqQuantizer(const std::string& layer, const Parameter& weight, const DiffqOptions& options,
                               std::uint32_t lane, Backend& backend)
    : options_(options), lane_(lane) {
  const std::int64_t channels = weight.value.shape()[0];
  row_ = channels > 0 ? static_cast<std::size_t>(weight.value.size() / channels) : 0;
  group_ = options.group_size > 0 ? std::min(row_, static_cast<std::size_t>(options.group_size)) : row_;
  const std::size_t in_a_row = group_ > 0 ? (row_ + group_ - 1) / group_ : 0;
  logit_.identify(layer, ParameterRole::logit);
  logit_.axes[0] = weight.axes[0];
  logit_.value = backend.allocate(Shape{channels, static_cast<std::int64_t>(in_a_row)});
  logit_.gradient = backend.allocate(logit_.value.shape());
  const double share = (options.init_bits - options.min_bits) / (options.max_bits - options.min_bits);
  backend.fill(logit_.value, static_cast<float>(std::log(share / (1.0 - share))));
  effective_ = backend.allocate(weight.value.shape());
}

std::vector<DiffqQuantizer::Group> DiffqQuantizer::groups(Backend& backend) const {
  const std::vector<float> logits = host_values(backend, logit_.value);
  const auto in_a_row = static_cast<std::size_t>(logit_.value.shape()[1]);
  const double span = options_.max_bits - options_.min_bits;
  std::vector<Group> groups;
  for (std::size_t g = 0; g < logits.size(); ++g) {
    const std::size_t channel = g / in_a_row;
    const std::size_t begin = channel * row_ + g % in_a_row * group_;
    const double share = 1.0 / (1.0 + std::exp(-static_cast<double>(logits[g])));
    groups.push_back({begin, std::min(begin + group_, (channel + 1) * row_), channel, options_.min_bits + span * share,
                      span * share * (1.0 - share)});
  }
  return groups;
}

void DiffqQuantizer::prepare(Backend& backend, const Parameter& weight, const Pass& pass) {
  std::vector<float> values = host_values(backend, weight.value);
  const double largest = range_of(values);
  // Batch-norm statistics that are estimated anew are those of the network that is evaluated.
  if (pass.mode == Mode::train && pass.statistics_momentum < 0) {
    largest_ = largest;
    noise_ = draw_noise(options_.noise, RandomStream::of_step(pass.seed, pass.step, Stream::pseudo_noise, lane_),
                        values.size());
    for (const Group& group : groups(backend)) {
      const auto step = static_cast<float>(step_of(largest, group.bits));
      for (std::size_t i = group.begin; i < group.end; ++i) values[i] += step * noise_[i];
    }
  } else {
    for (const Group& group : groups(backend)) {
      const auto format = format_of(largest, whole_bits(group.bits));
      for (std::size_t i = group.begin; i < group.end; ++i) values[i] = quantize(values[i], format);
    }
  }
  set_values(backend, values, effective_);
}

WeightView DiffqQuantizer::view(const Parameter& /*weight*/) const { return {&effective_, nullptr, nullptr}; }

void DiffqQuantizer::backward(Backend& backend, Parameter& weight) {
  const std::vector<float> gradient = host_values(backend, weight.gradient);  // dL/dw is dL/dq
  std::vector<float> logits;
  for (const Group& group : groups(backend)) {
    double sum = 0;
    for (std::size_t i = group.begin; i < group.end; ++i) sum += static_cast<double>(gradient[i]) * noise_[i];
    // dD/db = -ln2 * D.
    logits.push_back(static_cast<float>(-std::numbers::ln2 * step_of(largest_, group.bits) * sum * group.slope));
  }
  set_values(backend, logits, logit_.gradient);
}

std::vector<float> DiffqQuantizer::bits(Backend& backend) const {
  std::vector<double> sums(static_cast<std::size_t>(logit_.value.shape()[0]), 0.0);
  for (const Group& group : groups(backend)) {
    sums[group.channel] += group.bits * static_cast<double>(group.end - group.begin);
  }
  std::vector<float> bits;
  for (const double sum : sums) bits.push_back(static_cast<float>(sum / static_cast<double>(row_)));
  return bits;
}

void DiffqQuantizer::set_size_slope(Backend& /*backend*/, std::span<const float> slope) {
  size_slope_.assign(slope.begin(), slope.end());
}

void DiffqQuantizer::add_size_gradient(Backend& backend, float gamma) {
  if (size_slope_.empty()) return;
  std::vector<float> gradient = host_values(backend, logit_.gradient);
  const std::vector<Group> all = groups(backend);
  for (std::size_t g = 0; g < all.size(); ++g) {
    const double share = static_cast<double>(all[g].end - all[g].begin) / static_cast<double>(row_);
    gradient[g] += static_cast<float>(gamma * size_slope_[all[g].channel] * share * all[g].slope);
  }
  set_values(backend, gradient, logit_.gradient);
}

std::vector<IntegerChannel> DiffqQuantizer::integers(Backend& backend, const Parameter& weight) const {
  const std::vector<float> values = host_values(backend, weight.value);
  const std::vector<float> means = bits(backend);
  const std::vector<Group> all = groups(backend);
  const double largest = range_of(values);
  std::vector<int> finest(means.size(), 0);
  for (const Group& group : all) finest[group.channel] = std::max(finest[group.channel], whole_bits(group.bits));
  std::vector<IntegerChannel> channels(means.size());
  for (std::size_t c = 0; c < channels.size(); ++c) {
    channels[c] = {means[c], format_of(largest, finest[c]).scale, {}};
    channels[c].integers.reserve(row_);
  }
  for (const Group& group : all) {
    const int bits = whole_bits(group.bits);
    const auto format = format_of(largest, bits);
    const std::int32_t factor = 1 << (finest[group.channel] - bits);
    for (std::size_t i = group.begin; i < group.end; ++i) {
      channels[group.channel].integers.push_back(static_cast<std::int32_t>(quantize_integer(values[i], format)) *
                                                 factor);
    }
  }
  return channels;
}

namespace {

class Diffq final : public CompressionMethod {
 public:
  using CompressionMethod::CompressionMethod;
  [[nodiscard]] std::unique_ptr<Quantizer> quantizer(const QuantizerSite& site, Backend& backend) const override {
    return std::make_unique<DiffqQuantizer>(site.layer, site.weight, options().diffq, site.lane, backend);
  }
  [[nodiscard]] bool learns_bits() const override { return true; }
  [[nodiscard]] bool allows_removal() const override { return false; }
  void add_policies(PolicyList& list, const PolicySetup& /*setup*/) const override { add_gamma_ramp(list, options()); }
  void check(std::int64_t /*epochs*/, Conflicts& conflicts) const override {
    const DiffqOptions& d = options().diffq;
    if (d.min_bits < d.init_bits && d.init_bits < d.max_bits) return;
    // At the setting that the experiment gives itself.
    const char* at = conflicts.given("compression.init.bits")  ? "compression.init.bits"
                     : conflicts.given("compression.min_bits") ? "compression.min_bits"
                                                               : "compression.max_bits";
    conflicts.add(at,
                  "init.bits " + number_text(d.init_bits) + " must lie between min_bits " + number_text(d.min_bits) +
                      " and max_bits " + number_text(d.max_bits),
                  "the sigmoid never reaches its ends");
  }
};

}  // namespace

MethodInfo diffq_method() {
  return {"diffq", "DiffQ: bits of groups of weights are learned through noise as large as a step (arXiv 2104.09987)",
          "gamma, gamma_ramp, init, min_bits, max_bits, group_size, noise, include, exclude", make_as<Diffq>};
}

}  // namespace scnn
