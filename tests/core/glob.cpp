#include "core/glob.h"

#include <string>
#include <vector>

#include "catch.h"

namespace scnn {

TEST_CASE("glob patterns", "[glob]") {
  CHECK(glob_match("*.bits", "conv1.bits"));
  CHECK_FALSE(glob_match("*.bits", "conv1.bits2"));
  CHECK(glob_match("*", ""));
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK(glob_match("conv?", "conv1"));
  CHECK_FALSE(glob_match("conv?", "conv"));
  CHECK_FALSE(glob_match("conv?", "conv12"));
  CHECK(glob_match("a*b*c", "a.b.b.c"));
  CHECK_FALSE(glob_match("a*b*c", "a.b.b"));
  CHECK(glob_match("block*.conv*.weight", "block2.conv1.weight"));
  const std::vector<std::string> patterns{"x*", "*.exponent"};
  CHECK(glob_match(patterns, "fc.exponent"));
  CHECK_FALSE(glob_match(patterns, "fc.weight"));
  CHECK_FALSE(glob_match(std::vector<std::string>{}, "fc"));
}

}  // namespace scnn
