#include "scnn/nn/parameter.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scnn/core/error.h"

namespace scnn {
namespace {

struct RoleName {
  ParameterRole role;
  std::string_view name;
};
constexpr RoleName role_names[] = {
    {ParameterRole::weight, "weight"},
    {ParameterRole::bias, "bias"},
    {ParameterRole::scale, "scale"},
    {ParameterRole::shift, "shift"},
    {ParameterRole::running_mean, "running_mean"},
    {ParameterRole::running_variance, "running_var"},
    {ParameterRole::frozen_channels, "frozen"},
    {ParameterRole::factor, "a"},
    {ParameterRole::offset, "c"},
    {ParameterRole::bits, "bits"},
    {ParameterRole::exponent, "exponent"},
    {ParameterRole::step, "step"},
    {ParameterRole::logit, "logit"},
};
constexpr ParameterRole of_quantizers[] = {ParameterRole::bits, ParameterRole::exponent, ParameterRole::logit,
                                           ParameterRole::step};

}  // namespace

std::string_view role_name(ParameterRole role) {
  const auto* const found = std::ranges::find(role_names, role, &RoleName::role);
  require(found != std::ranges::end(role_names), ErrorKind::bug, "role_name: a role without a name");
  return found->name;
}

std::optional<ParameterRole> role_in_name(std::string_view name) {
  const auto* const found = std::ranges::find(role_names, name.substr(name.rfind('.') + 1), &RoleName::name);
  if (name.find('.') == std::string_view::npos || found == std::ranges::end(role_names)) return std::nullopt;
  return found->role;
}

std::span<const ParameterRole> quantizer_roles() { return of_quantizers; }

bool belongs_to_quantizer(ParameterRole role) {
  return std::ranges::find(of_quantizers, role) != std::end(of_quantizers);
}

void Parameter::identify(const std::string& layer, ParameterRole role_in_layer) {
  role = role_in_layer;
  name = layer + "." + std::string(role_name(role));
}

Parameter::Parameter()
    : lower(-std::numeric_limits<float>::infinity()), upper(std::numeric_limits<float>::infinity()) {}

float pull_strength(float value, std::int64_t steps) {
  // A little more than the even share, so that rounding cannot leave a remainder.
  return std::abs(value) / static_cast<float>(steps) * 1.001F + 1e-12F;
}

}  // namespace scnn
