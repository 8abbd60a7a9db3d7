#include "scnn/nn/quantizer.h"

#include <algorithm>

namespace scnn {

Parameter* Quantizer::parameter(ParameterRole role) {
  const std::vector<Parameter*> all = parameters();
  const auto found = std::ranges::find(all, role, &Parameter::role);
  return found == all.end() ? nullptr : *found;
}

}  // namespace scnn
