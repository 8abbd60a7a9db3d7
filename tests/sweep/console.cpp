#include "sweep/console.h"

#include <sstream>

#include "catch.h"
#include "experiment_files.h"

using namespace scnn;

namespace {

struct Screen {
  std::ostringstream out;
  double time = 0;
  SweepProgress progress;

  Screen() {
    progress.runs = 8;
    progress.done = 2;
    progress.jobs = 2;
    progress.mean_seconds = 10;
    progress.running = {{"p001-seed0", 0}, {"p002-seed0", 0}};
  }
  ConsoleOptions look(bool terminal) {
    ConsoleOptions options;
    options.terminal = terminal;
    options.clock = [this] { return time; };
    options.columns = [] { return 100; };
    return options;
  }
};

}  // namespace

TEST_CASE("the time left is that of the runs to come, several at a time", "[sweep]") {
  Screen screen;
  // Six runs of 10 s are open, two of them since 4 s, two at a time.
  CHECK(screen.progress.left(4) == 26);
  screen.progress.mean_seconds = 0;
  CHECK(screen.progress.left(4) < 0);
}

TEST_CASE("a sweep draws a bar on a terminal, and plain lines elsewhere", "[sweep]") {
  Screen bar;
  {
    SweepConsole console(&bar.out, bar.look(true));
    bar.time = 4;
    console.show(bar.progress);
    console.line("p003-seed0  starts");
  }
  CHECK(bar.out.str() ==
        "\r[#####---------------] 2/8 runs done  ETA 0:26  p001-seed0 0:04  p002-seed0 0:04\x1b[K\r\x1b[Kp003-seed0  "
        "starts\n");
  Screen plain;
  SweepConsole console(&plain.out, plain.look(false));
  plain.time = 4;
  console.show(plain.progress);
  CHECK(plain.out.str().empty());
  plain.time = 60;
  plain.progress.failed = 1;
  console.show(plain.progress);
  CHECK(plain.out.str() == "2/8 runs done, 1 failed  ETA 0:15  p001-seed0 1:00  p002-seed0 1:00\n");
}

TEST_CASE("a quiet sweep shows nothing", "[sweep]") {
  Screen screen;
  ConsoleOptions options = screen.look(true);
  options.verbosity = -1;
  SweepConsole console(&screen.out, options);
  screen.time = 100;
  console.show(screen.progress);
  console.line("text");
  CHECK(screen.out.str().empty());
}
