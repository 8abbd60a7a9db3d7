#include "record/log.h"

#include <spdlog/spdlog.h>

#include "catch.h"
#include "fake_run.h"

using namespace scnn;

TEST_CASE("every message reaches log.txt with its time, of one run at a time") {
  const test::TemporaryFolder place;
  set_up_log(-1, false);
  log_to_file(place.path() / "one.txt");
  spdlog::debug("alpha");
  log_to_file(place.path() / "two.txt");
  spdlog::info("beta");
  const std::string one = read_text(place.path() / "one.txt", ErrorKind::bug);
  const std::string two = read_text(place.path() / "two.txt", ErrorKind::bug);
  REQUIRE(one.find(" debug alpha\n") == 23);  // 2024-01-31T12:00:00.000
  REQUIRE(one.find("beta") == std::string::npos);
  REQUIRE(two.find(" info beta\n") == 23);
  try {
    log_to_file(place.path() / "one.txt" / "below");
    FAIL("accepted");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::run_folder);
  }
  set_up_log(0, false);
}
