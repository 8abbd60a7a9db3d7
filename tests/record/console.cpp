#include "scnn/record/console.h"

#include <sstream>

#include "catch.h"
#include "fake_run.h"

using namespace scnn;

namespace {

struct ConsoleFixture {
  double now = 0;
  std::ostringstream out;
  ConsoleOptions options;

  ConsoleFixture() {
    options.clock = [this] { return now; };
    options.epochs = 2;
  }
  void steps(Console& console, double seconds_a_step) {
    console.on_start(0, 20);
    for (std::int64_t step = 1; step <= 10; ++step) {
      now += seconds_a_step;
      console.on_step({0, step, 0.5, 3.0, 1234.0});
    }
  }
};

}  // namespace

TEST_CASE("without a terminal there is a plain line every five seconds") {
  ConsoleFixture f;
  Console console(f.out, f.options);
  f.steps(console, 2.0);
  const std::string text = f.out.str();
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 3);  // at 6, 12 and 18 s
  REQUIRE(text.find('\r') == std::string::npos);
  REQUIRE(text.find('\x1b') == std::string::npos);
  // At step 9 of 20, 11 steps of 2 s are left.
  REQUIRE(text.find("epoch 1/2   45%  ETA 0:22  1,234 images/s  loss 0.500") != std::string::npos);
}

TEST_CASE("on a terminal a bar is redrawn in place, within its width, and taken away before a line") {
  ConsoleFixture f;
  f.options.terminal = true;
  f.options.columns = [] { return 100; };
  {
    Console console(f.out, f.options);
    f.steps(console, 1.0);
    console.line("hello");
  }
  const std::string text = f.out.str();
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 1);
  REQUIRE(text.find("[###") != std::string::npos);
  REQUIRE(text.find("\r\x1b[Khello\n") != std::string::npos);
  for (std::size_t at = text.find('\r'); at != std::string::npos; at = text.find('\r', at + 1)) {
    const std::size_t end = std::min(text.find("\x1b[K", at), text.size());
    REQUIRE(end - at - 1 < 100);
  }
}

TEST_CASE("an epoch line tells accuracy, bits, bytes and channels") {
  ConsoleFixture f;
  f.options.progress = Progress::none;
  Console console(f.out, f.options);
  test::play(console, 2);
  const std::string text = f.out.str();
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 2);
  REQUIRE(text.find("epoch 1/2  9.5 s  loss 1.500  validation top-1 66.00%") != std::string::npos);
  REQUIRE(text.find("/170 channels") != std::string::npos);
  REQUIRE(text.find("  -4\n") != std::string::npos);
  REQUIRE(text.find(" bits  ") != std::string::npos);
  REQUIRE(text.find(" KiB  ") != std::string::npos);
}

TEST_CASE("quiet is quiet, colour is asked for") {
  ConsoleFixture f;
  f.options.verbosity = -1;
  f.options.terminal = true;
  {
    Console console(f.out, f.options);
    test::play(console, 2);
    f.steps(console, 3.0);
  }
  REQUIRE(f.out.str().empty());
  ConsoleFixture g;
  g.options.colour = true;
  Console console(g.out, g.options);
  test::play(console, 1);
  REQUIRE(g.out.str().find("\x1b[1m66.00%\x1b[0m") != std::string::npos);
}

TEST_CASE("figures for people") {
  REQUIRE(clock_text(7.4) == "0:07");
  REQUIRE(clock_text(245) == "4:05");
  REQUIRE(clock_text(3723) == "1:02:03");
  REQUIRE(clock_text(std::nan("")) == "?");
  REQUIRE(bytes_text(812) == "812 B");
  REQUIRE(bytes_text(1434) == "1.4 KiB");
  REQUIRE(bytes_text(3 * 1024 * 1024) == "3.0 MiB");
  REQUIRE(grouped(0) == "0");
  REQUIRE(grouped(999) == "999");
  REQUIRE(grouped(1000) == "1,000");
  REQUIRE(grouped(-123456) == "-123,456");
  REQUIRE(grouped(12345678) == "12,345,678");
}
