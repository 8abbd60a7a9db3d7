// The contents are read back by tests/cli/test_tensorboard.py, in another language.
#include "record/tensorboard.h"

#include <set>

#include "catch.h"
#include "fake_run.h"

using namespace scnn;

TEST_CASE("every attempt has an event file that sorts behind the earlier ones") {
  const test::TemporaryFolder place;
  for (int attempt = 0; attempt < 3; ++attempt) {
    TensorBoardSink sink(place.path() / "tb", 5, [] { return 1700000000.5; });
    test::play(sink, 2);
  }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(place.path() / "tb")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  REQUIRE(names == std::vector<std::string>{"events.out.tfevents.1700000000.scnn",
                                            "events.out.tfevents.1700000001.scnn",
                                            "events.out.tfevents.1700000002.scnn"});
}

TEST_CASE("a folder that cannot be made is an error of the run folder") {
  const test::TemporaryFolder place;
  write_file(place.path() / "file", "x");
  try {
    const TensorBoardSink sink(place.path() / "file" / "tb");
    FAIL("no error");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::run_folder);
  }
}
