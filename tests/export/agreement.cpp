#include "export/agreement.h"

#include <vector>

#include "catch.h"

using namespace scnn;

TEST_CASE("agreement counts other classes, and which of them were near ties") {
  const std::vector<float> expected = {4, 1, 0, 2, 2.001F, 0, 1, 2, 3};
  std::vector<float> found = expected;
  CHECK(compare_logits(expected, found, 3).within(0));
  found[3] = 2.002F;  // the second image: a near tie
  Agreement other = compare_logits(expected, found, 3);
  CHECK(other.images == 3);
  CHECK(other.top1_differ == 1);
  CHECK(other.near_ties == 1);
  CHECK(other.max_diff == Approx(0.002 / 4).epsilon(1e-3));
  CHECK(other.within(1e-3));
  CHECK_FALSE(other.within(1e-4));
  // Two logits of the third image changed places, and no logit moved by more than that: not a near tie of 0.002.
  found = {4, 1, 0, 2, 2.001F, 0, 1, 3.1F, 3};
  other = compare_logits(expected, found, 3);
  CHECK(other.top1_differ == 1);
  CHECK_FALSE(other.within(1e-2));
  found.pop_back();
  CHECK_FALSE(compare_logits(expected, found, 3).within(1e9));
  CHECK(compare_logits(expected, found, 3).top1_differ == 3);
}
