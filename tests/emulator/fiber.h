#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

namespace emulator {

/// A stack of its own that can be left and entered again; ThreadSanitizer sees it as a thread, AddressSanitizer as a
/// stack.  A fiber stays on the OS thread that made it.
class Fiber {
 public:
  /// `body` runs over and over; between two runs the fiber leaves and reports done().
  /// ThreadSanitizer takes one that is not `watched` for the scheduler, whose accesses it ignores.
  explicit Fiber(void (*body)(), bool watched = true);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// From the scheduler: runs the fiber until it leaves.
  void enter();
  /// From inside: back to the scheduler, which may enter again.
  void leave();
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] bool watched() const { return watched_; }
  [[nodiscard]] bool owns(const void* place) const { return place >= stack_ && place < stack_ + stack_bytes; }

 private:
  using Transfer = boost::context::detail::transfer_t;
  static void run(Transfer transfer);

  static constexpr std::size_t stack_bytes = 64 * 1024;

  void (*body_)();
  unsigned char* stack_ = nullptr;
  boost::context::detail::fcontext_t inside_ = nullptr;
  boost::context::detail::fcontext_t outside_ = nullptr;
  bool done_ = true;
  bool watched_;
  // What the sanitizers keep for a stack that is not running.
  void* tsan_fiber_ = nullptr;
  void* tsan_scheduler_ = nullptr;
  void* fake_inside_ = nullptr;
  const void* scheduler_stack_ = nullptr;
  std::size_t scheduler_stack_bytes_ = 0;
};

}  // namespace emulator
