#include "data/prefetch.h"

#include <atomic>
#include <chrono>
#include <stdexcept>

#include "catch.h"
#include "scnn/core/error.h"

namespace scnn {
namespace {

/// Slots hold run * 1000 + item.
struct Counter {
  explicit Counter(int slots, std::int64_t fail_at = -1)
      : values(static_cast<std::size_t>(slots)),
        prefetcher(
            slots, [this](std::int64_t r) { run = r; },
            [this, fail_at](int slot, std::int64_t item) {
              if (item == fail_at) throw std::runtime_error("item " + std::to_string(item));
              values[static_cast<std::size_t>(slot)] = run * 1000 + item;
            }) {}
  std::int64_t next() {
    const int slot = prefetcher.next();
    return slot < 0 ? -1 : values[static_cast<std::size_t>(slot)];
  }

  std::int64_t run = 0;
  std::vector<std::int64_t> values;
  Prefetcher prefetcher;
};

}  // namespace

TEST_CASE("a prefetcher gives every item in order, then the end", "[data]") {
  for (const int slots : {2, 3, 8}) {
    Counter counter(slots);
    for (std::int64_t run = 0; run < 3; ++run) {
      counter.prefetcher.start(run, run, 20);
      for (std::int64_t item = run; item < 20; ++item) REQUIRE(counter.next() == run * 1000 + item);
      CHECK(counter.next() == -1);
      CHECK(counter.next() == -1);
    }
  }
}

TEST_CASE("a slot stays the caller's until the next call", "[data]") {
  Counter counter(3);
  counter.prefetcher.start(0, 0, 100);
  for (std::int64_t item = 0; item < 100; ++item) {
    const int slot = counter.prefetcher.next();
    if (item % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    REQUIRE(counter.values[static_cast<std::size_t>(slot)] == item);
  }
}

TEST_CASE("starting again drops what is under way", "[data]") {
  Counter counter(4);
  for (std::int64_t run = 0; run < 300; ++run) {
    counter.prefetcher.start(run % 900, 0, 50);
    for (std::int64_t item = 0; item < run % 7; ++item) REQUIRE(counter.next() == run % 900 * 1000 + item);
  }
  counter.prefetcher.start(5, 50, 50);
  CHECK(counter.next() == -1);
}

TEST_CASE("an item of the run before, still being made, is dropped", "[data]") {
  std::atomic<bool> entered{false};
  std::atomic<bool> released{false};
  std::vector<std::int64_t> values(2);
  std::int64_t run = 0;
  Prefetcher prefetcher(
      2, [&](std::int64_t r) { run = r; },
      [&](int slot, std::int64_t) {
        values[static_cast<std::size_t>(slot)] = run;
        entered = true;
        while (!released) std::this_thread::yield();
      });
  prefetcher.start(1, 0, 1);
  while (!entered) std::this_thread::yield();
  prefetcher.start(2, 0, 1);
  released = true;
  CHECK(values[static_cast<std::size_t>(prefetcher.next())] == 2);
}

TEST_CASE("a failure of the thread reaches the caller at its place, and the next run works", "[data]") {
  Counter counter(3, 2);
  counter.prefetcher.start(1, 0, 5);
  CHECK(counter.next() == 1000);
  CHECK(counter.next() == 1001);
  CHECK_THROWS_WITH(counter.next(), "item 2");
  CHECK_THROWS_WITH(counter.next(), "item 2");
  counter.prefetcher.start(2, 3, 5);
  CHECK(counter.next() == 2003);
  CHECK(counter.next() == 2004);
  CHECK(counter.next() == -1);
}

TEST_CASE("waiting is measured, and only waiting", "[data]") {
  std::atomic<bool> slow{true};
  Prefetcher prefetcher(
      2, [](std::int64_t) {},
      [&](int, std::int64_t) {
        if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(30));
      });
  prefetcher.start(0, 0, 1);
  CHECK(prefetcher.next() >= 0);
  const double waited = prefetcher.waited_seconds();
  CHECK(waited > 0.01);
  slow = false;
  prefetcher.start(1, 0, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(prefetcher.next() >= 0);
  CHECK(prefetcher.next() == -1);
  CHECK(prefetcher.waited_seconds() < waited + 0.03);
  // Sleeping takes nothing of the processor.
  CHECK(prefetcher.busy_seconds() > 0);
  CHECK(prefetcher.busy_seconds() < prefetcher.waited_seconds());
}

TEST_CASE("a prefetcher that was never started says so", "[data]") {
  Counter counter(2);
  CHECK_THROWS_WITH(counter.next(), "Prefetcher: next() before start()");
  CHECK_THROWS_AS(Counter(1), Error);
}

}  // namespace scnn
