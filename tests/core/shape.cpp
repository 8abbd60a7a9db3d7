#include "scnn/core/shape.h"

#include "catch.h"
#include "scnn/core/error.h"

using namespace scnn;

TEST_CASE("shapes know extents, size and text") {
  Shape shape{2, 3, 4};
  CHECK(shape.rank() == 3);
  CHECK(shape.size() == 24);
  CHECK(shape[-1] == 4);
  CHECK(shape.str() == "[2, 3, 4]");
  shape.set(-1, 0);
  CHECK(shape.size() == 0);
  CHECK(Shape().size() == 1);
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
}

TEST_CASE("shapes refuse too many axes, negative extents and axes that are not there") {
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1}), Error);
  CHECK_THROWS_AS((Shape{2, -1}), Error);
  CHECK_THROWS_AS((Shape{2})[1], Error);
  CHECK_THROWS_AS((Shape{2})[-2], Error);
}
