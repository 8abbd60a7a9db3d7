#include "core/trace_timer.h"

#include "catch.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

/// A host whose clock moves only when told, and a device that works on its own until somebody waits for it.
struct Machine {
  std::int64_t now = 1000, pending = 0;
  int waits = 0, fail_at = -1;
  TraceTimer timer{[this] { wait(); }, [this] { return now; }};

  void wait() {
    now += pending;
    pending = 0;
    if (++waits == fail_at) throw Error(ErrorKind::device, "the device is gone");
  }
};

}  // namespace

TEST_CASE("the tree of ranges has calls, total, self, shortest and longest times", "[range]") {
  Machine m;
  {
    const TraceListener listen(m.timer);
    for (int i = 0; i < 2; ++i) {
      const TraceScope step("step");
      m.now += 5;
      for (const char* layer : {"conv1", "fc"}) {
        const TraceScope forward("forward", layer);
        m.now += 10 + i;
        const TraceScope inner("quantize");
        m.now += 1;
      }
      m.now += 2;
    }
    const TraceScope forward("forward", "conv1");  // another place: not inside a step
    m.now += 100;
  }
  const RangeTimes& times = m.timer.times();
  std::vector<std::string> names;
  std::vector<int> parents;
  for (const RangeTimes::Place& place : times.places) {
    names.push_back(place.name);
    parents.push_back(place.parent);
  }
  CHECK(names ==
        std::vector<std::string>{"step", "forward/conv1", "quantize", "forward/fc", "quantize", "forward/conv1"});
  CHECK(parents == std::vector<int>{-1, 0, 1, 0, 3, -1});
  const std::vector<RangeTimes::Total> totals = times.totals();
  REQUIRE(totals.size() == 6);
  const auto check = [&](std::size_t place, std::vector<std::int64_t> wanted) {
    const RangeTimes::Total& t = totals[place];
    CHECK(std::vector<std::int64_t>{t.calls, t.time, t.self, t.shortest, t.longest} == wanted);
  };
  check(0, {2, 29 + 31, 14, 29, 31});  // by hand: 5 + 11 + 11 + 2 and 5 + 12 + 12 + 2
  check(1, {2, 23, 21, 11, 12});
  check(2, {2, 2, 2, 1, 1});
  check(5, {1, 100, 100, 100, 100});
  CHECK(times.events.size() == 11);
  CHECK(times.events.front().begin == 0);
}

TEST_CASE("work of the device belongs to the range that asked for it", "[range]") {
  Machine m;
  {
    const TraceListener listen(m.timer);
    const TraceScope step("step");
    m.pending += 7;  // asked for in the step, before its layer
    {
      const TraceScope layer("forward", "conv1");
      m.now += 1;
      m.pending += 50;
    }
    m.pending += 3;
  }
  const std::vector<RangeTimes::Total> totals = m.timer.times().totals();
  CHECK(totals[1].time == 51);
  CHECK(totals[0].time == 61);
  CHECK(totals[0].self == 10);
}

TEST_CASE("a device that fails at the end of a range is reported, and open ranges have no times", "[range]") {
  Machine m;
  m.fail_at = 2;
  {
    const TraceListener listen(m.timer);
    { const TraceScope step("step"); }
    const TraceScope open("open");
    CHECK_THROWS_AS(m.timer.times(), Error);
  }
  CHECK_THROWS_WITH(m.timer.times(), "the device is gone");
  Machine n;
  const TraceListener listen(n.timer);
  const TraceScope open("open");
  CHECK_THROWS_WITH(n.timer.times(), Catch::Matchers::Contains("still open"));
}

}  // namespace scnn
