#include "core/difference.h"

#include <vector>

#include "catch.h"

using namespace scnn;

TEST_CASE("a relative difference sees lengths, NaN and infinity") {
  const std::vector<float> a{1, -4, 2};
  CHECK(relative_difference(a, a) == 0);
  CHECK(relative_difference(a, std::vector<float>{1, -3, 2}) == Approx(0.25));
  CHECK(relative_difference(std::vector<float>{0, 0}, std::vector<float>{0, 0.5F}) == Approx(0.5));
  CHECK(std::isinf(relative_difference(a, std::vector<float>{1, -4})));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    CHECK(std::isinf(relative_difference(a, std::vector<float>{1, bad, 2})));
    CHECK(std::isinf(relative_difference(std::vector<float>{bad, -4, 2}, a)));
    CHECK(std::isinf(relative_difference(std::vector<float>{bad}, std::vector<float>{bad})));
  }
}
