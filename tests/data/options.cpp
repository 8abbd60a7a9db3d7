#include "scnn/data/options.h"

#include "catch.h"
#include "listed_conflicts.h"

using namespace scnn;
using namespace scnn::test;

TEST_CASE("data options report what does not go together") {
  DataOptions data;
  data.type = "image_folder";
  data.root = "pictures";
  CHECK(conflicting(data).empty());
  data.root = "auto";
  data.image_folder.channels = 2;
  data.mean = {0.5};
  CHECK(conflicting(data) == std::vector<std::string>{"data.normalize.std", "data.channels", "data.root"});
}
