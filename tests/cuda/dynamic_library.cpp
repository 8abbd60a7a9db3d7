#include "cuda/vendor/nvidia/dynamic_library.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "scnn/core/error.h"
#include "temporary_folder.h"

namespace scnn::test {

using Catch::Matchers::Contains;

TEST_CASE("a library is opened where the system looks, its functions called through pointers", "[library]") {
  const cuda::DynamicLibrary maths("libm.so.6", "nothing");
  double (*const root)(double) = maths("sqrt");
  CHECK(root(9) == 3);
  CHECK(maths.path() == "libm.so.6");
  CHECK_THROWS_WITH(maths("no_such_function"), Contains("no_such_function"));
}

TEST_CASE("a library is found in Python's nvidia packages, and what does not open is named", "[library]") {
  const TemporaryFolder folder;
  const std::filesystem::path package = folder.path() / "lib/python3.11/site-packages/nvidia/mine/lib";
  std::filesystem::create_directories(package);
  const char* before = std::getenv("VIRTUAL_ENV");
  const std::string kept = before != nullptr ? before : "";
  REQUIRE(::setenv("VIRTUAL_ENV", folder.path().c_str(), 1) == 0);
  const std::string file = "libscnn_test_of_places.so.7";
  const auto opened = [&] { return cuda::DynamicLibrary(file, "nvidia-mine").path(); };
  try {
    opened();
    FAIL("opened what is not there");
  } catch (const Error& error) {
    CHECK(error.exit_code() == 5);
    CHECK_THAT(error.what(), Contains(file + " was not found, looked in ") && Contains("the system's library path") &&
                                 Contains(folder.path().string() + "/lib/python3*") &&
                                 Contains("install it (pip install nvidia-mine), or set device.convolution: own"));
  }
  std::ofstream(package / file) << "not a library";
  CHECK_THROWS_WITH(opened(), Contains((package / file).string()));
  std::filesystem::remove(package / file);
  for (const char* maths : {"/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6"}) {
    if (!std::filesystem::exists(maths)) continue;
    std::filesystem::create_symlink(maths, package / file);
    CHECK(opened() == (package / file).string());
  }
  kept.empty() ? ::unsetenv("VIRTUAL_ENV") : ::setenv("VIRTUAL_ENV", kept.c_str(), 1);
}

}  // namespace scnn::test
