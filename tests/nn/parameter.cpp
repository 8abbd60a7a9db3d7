#include "scnn/nn/parameter.h"

#include "catch.h"

using namespace scnn;

TEST_CASE("a parameter's name is its layer's and its role's, and the role is read back from it") {
  Parameter parameter;
  parameter.identify("block.conv", ParameterRole::running_variance);
  CHECK(parameter.role == ParameterRole::running_variance);
  CHECK(parameter.name == "block.conv.running_var");
  CHECK(role_in_name(parameter.name) == ParameterRole::running_variance);
  CHECK_FALSE(role_in_name("bits").has_value());  // a layer may have the name of a role
  CHECK_FALSE(role_in_name("conv.num_batches_tracked").has_value());
  CHECK(role_in_name("bits.weight") == ParameterRole::weight);
}
