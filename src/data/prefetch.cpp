#include "data/prefetch.h"

#include <chrono>
#include <ctime>
#include <utility>

#include "scnn/core/error.h"

namespace scnn {
namespace {

/// Seconds of the processor that the calling thread has had.
double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

Prefetcher::Prefetcher(int slots, Begin begin, Fill fill) : begin_(std::move(begin)), fill_(std::move(fill)) {
  require(slots >= 2, ErrorKind::bug, "Prefetcher: needs two slots or more");
  for (int slot = slots - 1; slot >= 0; --slot) free_.push_back(slot);
  thread_ = std::thread([this] { work(); });
}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
    ++generation_;
  }
  work_changed_.notify_one();
  thread_.join();
}

void Prefetcher::start(std::int64_t run, std::int64_t first, std::int64_t end) {
  {
    const std::lock_guard lock(mutex_);
    ++generation_;
    run_ = run;
    produce_ = consume_ = first;
    end_ = end;
    free_.insert(free_.end(), ready_.begin(), ready_.end());
    ready_.clear();
    if (held_ >= 0) free_.push_back(std::exchange(held_, -1));
    failure_ = nullptr;
  }
  work_changed_.notify_one();
}

int Prefetcher::next() {
  std::unique_lock lock(mutex_);
  require(generation_ > 0, ErrorKind::bug, "Prefetcher: next() before start()");
  if (held_ >= 0) {
    free_.push_back(std::exchange(held_, -1));
    work_changed_.notify_one();
  }
  if (consume_ >= end_) return -1;
  if (ready_.empty() && !failure_) {
    const auto began = std::chrono::steady_clock::now();
    ready_changed_.wait(lock, [this] { return !ready_.empty() || failure_ != nullptr; });
    waited_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }
  // Items made before a failure are still good.
  if (ready_.empty()) std::rethrow_exception(failure_);
  held_ = ready_.front();
  ready_.pop_front();
  ++consume_;
  return held_;
}

double Prefetcher::busy_seconds() {
  const std::lock_guard lock(mutex_);
  return busy_seconds_;
}

void Prefetcher::work() {
  std::unique_lock lock(mutex_);
  std::uint64_t begun = 0;
  while (!quit_) {
    const bool idle = failure_ != nullptr || produce_ >= end_ || free_.empty();
    if (idle) {
      work_changed_.wait(lock);
      continue;
    }
    const std::uint64_t generation = generation_;
    work_on(lock, generation, begun == generation);
    begun = generation;
  }
}

void Prefetcher::work_on(std::unique_lock<std::mutex>& lock, std::uint64_t generation, bool begun) {
  const int slot = free_.back();
  free_.pop_back();
  const std::int64_t item = produce_++;
  const std::int64_t run = run_;
  lock.unlock();
  std::exception_ptr failure;
  const double began = thread_seconds();
  try {
    if (!begun) begin_(run);
    fill_(slot, item);
  } catch (...) {
    failure = std::current_exception();
  }
  const double busy = thread_seconds() - began;
  lock.lock();
  busy_seconds_ += busy;
  if (generation != generation_ || failure) {
    free_.push_back(slot);
    if (generation == generation_) failure_ = std::move(failure);
  } else {
    ready_.push_back(slot);
  }
  ready_changed_.notify_one();
}

}  // namespace scnn
