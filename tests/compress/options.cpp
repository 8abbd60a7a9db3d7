#include "scnn/compress/options.h"

#include "catch.h"

using namespace scnn;

TEST_CASE("formats freeze for the last share of the steps, for one at least, and never from the first") {
  CompressionOptions options;
  CHECK(compressing_steps(options, 100) == 100);
  options.freeze_fraction = 0.25;
  CHECK(compressing_steps(options, 100) == 75);
  CHECK(compressing_steps(options, 2) == 1);
  CHECK(compressing_steps(options, 1) == 1);
  options.freeze_fraction = 0.999;
  CHECK(compressing_steps(options, 100) == 1);
}
