#include "emulator/fiber.h"

#include <sys/mman.h>

#include "emulator/report.h"

#if defined(EMULATOR_TSAN)
#include <sanitizer/tsan_interface.h>
#elif defined(EMULATOR_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {
namespace context = boost::context::detail;

Fiber::Fiber(void (*body)(), bool watched) : body_(body), watched_(watched) {
  void* memory = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("no memory for a thread's stack");
  mprotect(memory, 4096, PROT_NONE);  // an overflow must not reach a neighbour
  stack_ = static_cast<unsigned char*>(memory);
  inside_ = context::make_fcontext(stack_ + stack_bytes, stack_bytes, run);
#if defined(EMULATOR_TSAN)
  if (watched_) tsan_fiber_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#if defined(EMULATOR_TSAN)
  if (watched_) __tsan_destroy_fiber(tsan_fiber_);
#endif
  munmap(stack_, stack_bytes);
}

void Fiber::enter() {
  done_ = false;
#if defined(EMULATOR_ASAN)
  void* fake_outside = nullptr;
  __sanitizer_start_switch_fiber(&fake_outside, stack_, stack_bytes);
#elif defined(EMULATOR_TSAN)
  // Switching orders nothing: only barriers and launches do.
  tsan_scheduler_ = __tsan_get_current_fiber();
  if (watched_) __tsan_switch_to_fiber(tsan_fiber_, __tsan_switch_to_fiber_no_sync);
#endif
  inside_ = context::jump_fcontext(inside_, this).fctx;
#if defined(EMULATOR_ASAN)
  __sanitizer_finish_switch_fiber(fake_outside, nullptr, nullptr);
#endif
}

void Fiber::leave() {
#if defined(EMULATOR_ASAN)
  __sanitizer_start_switch_fiber(&fake_inside_, scheduler_stack_, scheduler_stack_bytes_);
#elif defined(EMULATOR_TSAN)
  if (watched_) __tsan_switch_to_fiber(tsan_scheduler_, __tsan_switch_to_fiber_no_sync);
#endif
  outside_ = context::jump_fcontext(outside_, nullptr).fctx;
#if defined(EMULATOR_ASAN)
  __sanitizer_finish_switch_fiber(fake_inside_, &scheduler_stack_, &scheduler_stack_bytes_);
#endif
}

void Fiber::run(Transfer transfer) {
  auto* fiber = static_cast<Fiber*>(transfer.data);
  fiber->outside_ = transfer.fctx;
#if defined(EMULATOR_ASAN)
  __sanitizer_finish_switch_fiber(nullptr, &fiber->scheduler_stack_, &fiber->scheduler_stack_bytes_);
#endif
  for (;;) {
    fiber->body_();
    fiber->done_ = true;
    fiber->leave();
  }
}

}  // namespace emulator
