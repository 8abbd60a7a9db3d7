#include "scnn/core/version.h"

#include "catch.h"

TEST_CASE("the program knows its version and its libraries") {
  REQUIRE(std::string(scnn::program_version()).find('.') != std::string::npos);
  const auto libraries = scnn::library_versions();
  for (const char* name : {"OpenMP", "yaml-cpp", "fmt", "spdlog", "nlohmann-json", "zlib"}) {
    INFO(name);
    REQUIRE(libraries.count(name) == 1);
  }
}
