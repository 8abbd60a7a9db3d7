#include "run/stopping.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "catch.h"

using namespace scnn;

TEST_CASE("durations") {
  REQUIRE(parse_duration("90s") == 90);
  REQUIRE(parse_duration("90") == 90);
  REQUIRE(parse_duration("15m") == 900);
  REQUIRE(parse_duration("1h30m") == 5400);
  REQUIRE(parse_duration("0.5h") == 1800);
  REQUIRE(parse_duration("1d") == 86400);
  for (const char* bad : {"", "soon", "-1s", "1x", "0", "h", "1h30q", "nan", "inf", "1e3s"}) {
    INFO(bad);
    REQUIRE_THROWS_AS(parse_duration(bad), Error);
  }
}

TEST_CASE("a stop comes when the time is over or a signal asks for it") {
  REQUIRE_FALSE(stop_on_signal_or_after(0)());
  REQUIRE_FALSE(stop_on_signal_or_after(3600)());
  const auto soon = stop_on_signal_or_after(0.001);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  REQUIRE(soon()->kind == ErrorKind::stopped);

  watch_signals();
  const auto never = stop_on_signal_or_after(0);
  const auto waited = [&never] {
    for (int i = 0; i < 1000 && !never(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return never();
  };
  ::kill(::getpid(), SIGTERM);
  REQUIRE(waited()->kind == ErrorKind::stopped);
  ::kill(::getpid(), SIGINT);
  for (int i = 0; i < 1000 && never()->kind == ErrorKind::stopped; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  REQUIRE(never()->kind == ErrorKind::interrupted);
}

// A handler on a thread that computes would corrupt the heap: see stopping.cpp.
TEST_CASE("signals that stop a run reach no thread that computes") {
  watch_signals();
  const auto blocks_both = [] {
    sigset_t set;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &set);
    return ::sigismember(&set, SIGINT) == 1 && ::sigismember(&set, SIGTERM) == 1;
  };
  REQUIRE(blocks_both());
  bool inherited = false;
  std::thread([&] { inherited = blocks_both(); }).join();
  REQUIRE(inherited);
}
