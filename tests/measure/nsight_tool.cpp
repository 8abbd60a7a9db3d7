#include "measure/nsight_tool.h"

#include <cstdlib>

#include "catch.h"
#include "core/file.h"
#include "temporary_folder.h"

namespace scnn::test {
namespace {

/// The PATH while this object lives.
class Path {
 public:
  explicit Path(const std::string& value) : before_(std::getenv("PATH")) { ::setenv("PATH", value.c_str(), 1); }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;
  ~Path() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

void make_program(const TemporaryFolder& folder, const std::string& name, const std::string& script) {
  std::filesystem::permissions(folder.write(name, "#!/bin/sh\n" + script), std::filesystem::perms::owner_all);
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("the tools record the capture range and our ranges", "[profile]") {
  CHECK(nsight_command(NsightTool::nsys, "out", {"scnn", "profile", "x y.yaml"}) ==
        Words{"nsys", "profile", "--trace=cuda,nvtx,cublas,cudnn", "--capture-range=cudaProfilerApi",
              "--capture-range-end=stop", "--output=out/profile", "scnn", "profile", "x y.yaml"});
  CHECK(nsight_command(NsightTool::ncu, "out", {"scnn"}) ==
        Words{"ncu", "--profile-from-start", "off", "--nvtx", "--export", "out/profile", "scnn"});
  CHECK(nsight_report(NsightTool::nsys, "out") == "out/profile.nsys-rep");
  CHECK(nsight_report(NsightTool::ncu, "out") == "out/profile.ncu-rep");
}

TEST_CASE("a tool is looked for on the PATH, and its absence names package and alternative", "[profile]") {
  const TemporaryFolder folder;
  {
    const Path nowhere((folder / "empty").string());
    CHECK_FALSE(is_installed(NsightTool::nsys));
    CHECK_THROWS_WITH(require_installed(NsightTool::nsys),
                      Catch::Matchers::Contains("nsight-systems") && Catch::Matchers::Contains("--tool builtin"));
    CHECK_THROWS_WITH(require_installed(NsightTool::ncu), Catch::Matchers::Contains("nsight-compute"));
  }
  folder.write("ncu", "not a program");
  make_program(folder, "nsys", "exit 0\n");
  const Path here((folder / "empty").string() + ":" + folder.path().string());
  CHECK(is_installed(NsightTool::nsys));
  CHECK_FALSE(is_installed(NsightTool::ncu));
  CHECK_NOTHROW(require_installed(NsightTool::nsys));
}

TEST_CASE("a tool runs without a shell and ends as it ends", "[profile]") {
  const TemporaryFolder folder;
  make_program(folder, "tool",
               "for word in \"$@\"; do echo \"[$word]\" >> \"$(dirname \"$0\")/words\"; done\nexit 6\n");
  make_program(folder, "dies", "kill -9 $$\n");
  make_program(folder, "sleeps", "exec sleep 100\n");
  CHECK(run_tool({(folder / "tool").string(), "a b", "$HOME", "it's; `x`", ""}, true, {}) == 6);
  CHECK(read_text(folder / "words", ErrorKind::data) == "[a b]\n[$HOME]\n[it's; `x`]\n[]\n");
  CHECK_THROWS_WITH(run_tool({(folder / "dies").string()}, true, {}), Catch::Matchers::Contains("signal 9"));
  CHECK_THROWS_WITH(run_tool({(folder / "absent").string()}, true, {}), Catch::Matchers::Contains("cannot run"));
  const auto stop = [] { return StopRequest{ErrorKind::stopped, "stopped by SIGTERM"}; };
  CHECK_THROWS_WITH(run_tool({(folder / "sleeps").string()}, true, stop), "stopped by SIGTERM");
}

}  // namespace scnn::test
