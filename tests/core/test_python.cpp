#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "catch.h"
#include "core/python.h"
#include "temporary_folder.h"

using scnn::python_with;
using scnn::test::TemporaryFolder;

namespace {

/// A program at `path` that can import `module` alone.
void stand_in(const TemporaryFolder& folder, const std::string& path, const std::string& module) {
  const auto file = folder.write(path, "#!/bin/sh\n[ \"$2\" = 'import " + module + "' ]\n");
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
}

}  // namespace

TEST_CASE("a Python is taken only where it can import what is needed") {
  const TemporaryFolder folder;
  stand_in(folder, "python", "abacus");
  const std::string python = (folder / "python").string();
  ::setenv("SCNN_PYTHON", python.c_str(), 1);
  CHECK(python_with("abacus") == python);
  CHECK(python_with("sextant").empty());
  ::setenv("SCNN_PYTHON", (folder / "none").c_str(), 1);
  CHECK(python_with("abacus").empty());
  // Not set: python3 of the PATH.
  ::unsetenv("SCNN_PYTHON");
  stand_in(folder, "python3", "abacus");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
  CHECK(python_with("abacus") == "python3");
  CHECK(python_with("sextant").empty());
  ::setenv("PATH", path.c_str(), 1);
}
