#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace scnn {

/// Fills a ring of slots ahead of their use, on a thread of its own.  One caller; the items of a run come in order.
class Prefetcher {
 public:
  /// Called on the thread when a run begins.
  using Begin = std::function<void(std::int64_t run)>;
  /// Called on the thread: puts `item` into `slot`, which nobody else touches meanwhile.
  using Fill = std::function<void(int slot, std::int64_t item)>;

  /// `slots` >= 2: one is with the caller, the others are filled ahead.
  Prefetcher(int slots, Begin begin, Fill fill);
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;
  ~Prefetcher();

  /// Drops whatever is under way and begins `run` with items first .. end-1.
  void start(std::int64_t run, std::int64_t first, std::int64_t end);
  /// The slot with the next item, the caller's until the next call; -1 at the end.  Rethrows a failure of the thread.
  int next();
  /// Seconds spent waiting in next().
  [[nodiscard]] double waited_seconds() const { return waited_seconds_; }
  /// Seconds of the processor that the thread has spent on items so far.
  [[nodiscard]] double busy_seconds();

 private:
  void work();
  /// Fills slots while there is something to do for `generation`; `lock` is held on entry and on return.
  void work_on(std::unique_lock<std::mutex>& lock, std::uint64_t generation, bool begun);

  const Begin begin_;
  const Fill fill_;
  double waited_seconds_ = 0;  // the caller's own
  int held_ = -1;              // the caller's own

  std::mutex mutex_;
  std::condition_variable work_changed_, ready_changed_;
  // All below under mutex_.
  bool quit_ = false;
  std::uint64_t generation_ = 0;  // counts start() calls; what belongs to an older one is dropped
  std::int64_t run_ = 0, produce_ = 0, consume_ = 0, end_ = 0;
  std::vector<int> free_;
  std::deque<int> ready_;
  std::exception_ptr failure_;
  double busy_seconds_ = 0;

  std::thread thread_;  // last: it starts when everything else is there
};

}  // namespace scnn
