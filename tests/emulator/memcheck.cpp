// The calls that -fsanitize=kernel-address puts before every load and store, and -fsanitize=alignment where an address
// is not aligned for its type.  The sanitizers' own runtimes are not linked: here they lead to the emulator's checks.
// Where they are linked, these must not take their place.
#if defined(EMULATOR_MEMCHECK)
#include <cstddef>

#include "emulator/block.h"
#include "emulator/memory.h"
#include "emulator/report.h"

namespace {

template <std::size_t bytes>
void check(const void* place, bool is_write) {
  using namespace emulator;
  if (mode() == Mode::kernel && (is_written<bytes>(place) || running_thread()->fiber->owns(place))) return;
  check_access(place, bytes, is_write);
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the compiler's names.
#define EMULATOR_ACCESS(size)                                                           \
  extern "C" void __asan_load##size##_noabort(const void* p) { check<size>(p, false); } \
  extern "C" void __asan_store##size##_noabort(void* p) { check<size>(p, true); }
EMULATOR_ACCESS(1)
EMULATOR_ACCESS(2)
EMULATOR_ACCESS(4)
EMULATOR_ACCESS(8)
EMULATOR_ACCESS(16)

extern "C" void __asan_loadN_noabort(const void* p, std::size_t bytes) { emulator::check_access(p, bytes, false); }
extern "C" void __asan_storeN_noabort(void* p, std::size_t bytes) { emulator::check_access(p, bytes, true); }
extern "C" void __asan_handle_no_return() {}
extern "C" void __ubsan_handle_type_mismatch_v1_abort(void* /*access*/, void* /*place*/) {
  emulator::die("misaligned access");
}
// NOLINTEND(bugprone-reserved-identifier)
#endif
